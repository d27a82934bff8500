//! Why a client command could not do its work, told to a person or a program on standard error.
//! A hub's problem document holds no value of a register; what the client adds names files, columns and lines, never cells.

use std::{io::IsTerminal, time::Duration};

use serde_json::{Value, json};

use super::text::CliLanguage;
use heyan_server::process::{ExitStatus, OutputAudience};

/// Why it failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandFailure {
    /// Found by the client itself.
    #[error("{}", Lang::En.say(key, &refs(.parts)))]
    Own {
        /// How the process ends.
        exit: ExitStatus,
        /// The text.
        key: &'static str,
        /// What fills its places.
        parts: Vec<String>,
    },
    /// Answered by the hub.
    #[error("{}", .0.title)]
    Refused(Box<HubProblem>),
}

/// An answer of the hub that is an error (RFC 9457).
#[derive(Debug)]
pub(crate) struct HubProblem {
    /// HTTP status.
    pub status: u16,
    /// `title`, or the status in words where the answer is no problem document.
    pub title: String,
    /// The document, `null` if there was none.
    pub document: Value,
    /// Address of the page that says what to do.
    pub page: Option<String>,
    /// `Retry-After`.
    pub retry_after: Option<Duration>,
}

fn refs(parts: &[String]) -> Vec<&str> {
    parts.iter().map(String::as_str).collect()
}

impl CommandFailure {
    /// A mistake in the command, its files or its settings.
    pub(crate) fn usage<const N: usize>(key: &'static str, parts: [&str; N]) -> Self {
        Self::Own {
            exit: ExitStatus::Usage,
            key,
            parts: parts.map(str::to_owned).to_vec(),
        }
    }

    /// Something could not be reached or opened.
    pub(crate) fn unreachable<const N: usize>(key: &'static str, parts: [&str; N]) -> Self {
        Self::Own {
            exit: ExitStatus::Unreachable,
            key,
            parts: parts.map(str::to_owned).to_vec(),
        }
    }

    /// How the process ends: the hub's "no" (403, 409, 412, other 4xx) is 1, what the caller must put right in the command
    /// or its credentials (400, 401, 404, 405, 413, 415, 422) is 2, what may pass by itself (408, 425, 429, 5xx, no answer) is 3.
    pub(crate) fn exit(&self) -> ExitStatus {
        match self {
            Self::Own { exit, .. } => *exit,
            Self::Refused(problem) => match problem.status {
                400 | 401 | 404 | 405 | 413 | 415 | 422 => ExitStatus::Usage,
                408 | 425 | 429 | 500.. => ExitStatus::Unreachable,
                _ => ExitStatus::No,
            },
        }
    }

    /// Whether the hub gave no reason: no answer, or one whose document got lost.
    pub(crate) fn is_mute(&self) -> bool {
        match self {
            Self::Own { exit, .. } => *exit == ExitStatus::Unreachable,
            Self::Refused(problem) => problem.document.is_null(),
        }
    }

    /// How long the hub asks to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Own { .. } => None,
            Self::Refused(problem) => problem.retry_after,
        }
    }

    /// One line.
    pub(crate) fn line(&self, lang: CliLanguage) -> String {
        match self {
            Self::Own { key, parts, .. } => lang.say(key, &refs(parts)),
            Self::Refused(problem) => format!("{} ({})", problem.title, problem.status),
        }
    }

    /// Tells it on standard error and says how the process ends.
    pub(crate) fn tell(&self, output: OutputAudience, lang: CliLanguage) -> ExitStatus {
        let text = match output {
            OutputAudience::Human => format!("heyan: {}", self.paragraph(lang)),
            OutputAudience::Json => self.document(lang).to_string(),
        };
        eprintln!("{text}");
        self.exit()
    }

    fn document(&self, lang: CliLanguage) -> Value {
        match self {
            Self::Refused(problem) if problem.document.is_object() => json!({"problem": problem.document}),
            _ => json!({"error": self.line(lang)}),
        }
    }

    /// Title, detail, errors by pointer, the page.
    fn paragraph(&self, lang: CliLanguage) -> String {
        let Self::Refused(problem) = self else {
            return self.line(lang);
        };
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let code = text(&problem.document, "code")
            .map(|code| format!(" {code}"))
            .unwrap_or_default();
        let mut lines = vec![format!("{} ({}{code})", problem.title, problem.status)];
        lines.extend(text(&problem.document, "detail").map(|detail| format!("  {detail}")));
        let errors = problem.document.get("errors").and_then(Value::as_array);
        for error in errors.into_iter().flatten() {
            let detail = text(error, "detail")
                .or_else(|| text(error, "code"))
                .unwrap_or_default();
            lines.push(format!("  - {} {detail}", text(error, "pointer").unwrap_or_default()));
        }
        lines.extend(
            problem
                .page
                .as_ref()
                .map(|page| format!("  {}", lang.say("cli.page", &[page]))),
        );
        lines.extend(text(&problem.document, "trace_id").map(|id| format!("  {}", lang.say("cli.trace", &[&id]))));
        lines
            .into_iter()
            .map(|line| printable(&line))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// Without control characters: what a hub says must not steer a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Says a passing remark on standard error; programs that read JSON get it only on a terminal.
pub(crate) fn remark(output: OutputAudience, text: &str) {
    if output == OutputAudience::Human || std::io::stderr().is_terminal() {
        eprintln!("heyan: {text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, document: Value) -> CommandFailure {
        let page = Some("http://hub/problems/unauthorized".to_owned());
        CommandFailure::Refused(Box::new(HubProblem {
            status,
            title: "Not you".to_owned(),
            document,
            page,
            retry_after: None,
        }))
    }

    #[test]
    fn a_problem_is_told_whole_and_cannot_steer_the_terminal() {
        let document = json!({"title":"Not you","code":"unauthorized","detail":"the token\u{1b}[2J is old",
            "errors":[{"pointer":"#/a","code":"x","detail":"bad"}],"trace_id":"t1"});
        let text = refused(401, document).paragraph(CliLanguage::En);
        for part in [
            "Not you (401 unauthorized)",
            "is old",
            "- #/a bad",
            "http://hub/problems/unauthorized",
            "trace: t1",
        ] {
            assert!(text.contains(part), "{part}");
        }
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn statuses_map_to_exit_codes() {
        let exit = |status| refused(status, Value::Null).exit();
        assert_eq!([exit(401), exit(404), exit(422)], [ExitStatus::Usage; 3]);
        assert_eq!([exit(403), exit(409)], [ExitStatus::No; 2]);
        assert_eq!([exit(429), exit(503)], [ExitStatus::Unreachable; 2]);
    }
}
