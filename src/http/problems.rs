//! Problem documents for answers that leave by another way than HTTP.

use super::problem::ProblemDocument;
use heyan_app::bus::requests::{self, ProblemWriter};
use heyan_app::{access::token::UnknownCaller, foundation::error::AppError};
use heyan_texts::Locale;

/// Writes refusals as HTTP answers would have them, in the default language.
pub struct HttpProblems;

impl ProblemWriter for HttpProblems {
    fn refused(&self, error: AppError) -> requests::RequestProblem {
        written(&ProblemDocument::from(error))
    }

    fn unknown(&self, unknown: UnknownCaller) -> requests::RequestProblem {
        written(&ProblemDocument::from(unknown))
    }
}

fn written(problem: &ProblemDocument) -> requests::RequestProblem {
    let document = serde_json::from_str(&problem.to_json(Locale::ZhCn));
    requests::RequestProblem {
        status: problem.status(),
        code: problem.code.as_str(),
        document: document.unwrap_or_else(|_no_json| serde_json::Value::Null),
    }
}
