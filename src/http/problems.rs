//! Problem documents for answers that are not sent over HTTP.

use super::problem::Problem;
use heyan_app::bus::requests::{self, Problems};
use heyan_app::{access::token::Unknown, foundation::error::AppError};
use heyan_texts::Locale;

/// Writes refusals as HTTP answers would have them, in the default language.
pub struct HttpProblems;

impl Problems for HttpProblems {
    fn refused(&self, error: AppError) -> requests::Problem {
        written(&Problem::from(error))
    }

    fn unknown(&self, unknown: Unknown) -> requests::Problem {
        written(&Problem::from(unknown))
    }
}

fn written(problem: &Problem) -> requests::Problem {
    let document = serde_json::from_str(&problem.to_json(Locale::ZhCn));
    requests::Problem {
        status: problem.status(),
        code: problem.code.as_str(),
        document: document.unwrap_or_else(|_no_json| serde_json::Value::Null),
    }
}
