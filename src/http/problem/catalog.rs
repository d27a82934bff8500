//! The closed catalogue of problems: one row per code with its status and what to do next. Its texts are in `problems.toml`.
//! A code is a promise to callers: it is never renamed and never given another meaning.

use heyan_texts::{BilingualText, Locale, text};

/// What a calling program does when it meets a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NextStep {
    /// Correct the request; the same one fails again.
    Mend,
    /// Wait (`Retry-After`), then send the same request again.
    Wait,
    /// Get a new token or a fresh signature, then send again.
    Renew,
    /// Somebody has to give access; no retry helps.
    Ask,
    /// Read the present state, then decide.
    Look,
}

impl NextStep {
    /// Short text for a badge.
    pub fn label(self) -> BilingualText {
        text(match self {
            Self::Mend => "problems.next_step.mend",
            Self::Wait => "problems.next_step.wait",
            Self::Renew => "problems.next_step.renew",
            Self::Ask => "problems.next_step.ask",
            Self::Look => "problems.next_step.look",
        })
    }
}

macro_rules! catalogue {
    ($($variant:ident $code:literal $status:literal $step:ident)*) => {
        /// Every kind of refusal or failure that leaves the hub.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ProblemCode {
            $(#[doc = concat!("`", $code, "`, HTTP ", stringify!($status))] $variant,)*
        }

        impl ProblemCode {
            /// Every code, by status, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code, as in problem documents and in `/problems/{code}`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// What a calling program does next.
            pub const fn next_step(self) -> NextStep {
                match self { $(Self::$variant => NextStep::$step,)* }
            }
        }
    };
}

catalogue! {
//  variant                code                        status step
    InvalidJson            "invalid_json"             400 Mend
    DuplicateMember        "duplicate_member"         400 Mend
    NestingTooDeep         "nesting_too_deep"         400 Mend
    UnsafeNumber           "unsafe_number"            400 Mend
    InvalidEncoding        "invalid_encoding"         400 Mend
    InvalidMultipart       "invalid_multipart"        400 Mend
    InvalidHeader          "invalid_header"           400 Mend
    InvalidParameter       "invalid_parameter"        400 Mend
    InvalidCursor          "invalid_cursor"           400 Mend
    InvalidOauthRequest    "invalid_oauth_request"    400 Mend
    UnsupportedGrantType   "unsupported_grant_type"   400 Mend
    InvalidScope           "invalid_scope"            400 Ask
    Unauthenticated        "unauthenticated"          401 Renew
    InvalidToken           "invalid_token"            401 Renew
    TokenExpired           "token_expired"            401 Renew
    InvalidClient          "invalid_client"           401 Mend
    RoleNotAllowed         "role_not_allowed"         403 Ask
    NotGranted             "not_granted"              403 Ask
    DatasetWithheld        "dataset_withheld"         403 Ask
    NetworkNotAllowed      "network_not_allowed"      403 Ask
    NotOwner               "not_owner"                403 Ask
    AgencyDisabled         "agency_disabled"          403 Ask
    RouteNotFound          "route_not_found"          404 Mend
    DatasetNotFound        "dataset_not_found"        404 Mend
    ReceiptNotFound        "receipt_not_found"        404 Mend
    VerificationNotFound   "verification_not_found"   404 Mend
    AgencyNotFound         "agency_not_found"         404 Mend
    GrantNotFound          "grant_not_found"          404 Mend
    UserNotFound           "user_not_found"           404 Mend
    ApprovalNotFound       "approval_not_found"       404 Mend
    RecordNotFound         "record_not_found"         404 Look
    MismatchNotFound       "mismatch_not_found"       404 Mend
    SubscriptionNotFound   "subscription_not_found"   404 Mend
    DeliveryNotFound       "delivery_not_found"       404 Mend
    ItemNotFound           "item_not_found"           404 Mend
    SealNotFound           "seal_not_found"           404 Mend
    WatchNotFound          "watch_not_found"          404 Mend
    CaseNotFound           "case_not_found"           404 Mend
    AlertNotFound          "alert_not_found"          404 Mend
    RuleNotFound           "rule_not_found"           404 Mend
    ProblemNotFound        "problem_not_found"        404 Mend
    TileNotFound           "tile_not_found"           404 Look
    MethodNotAllowed       "method_not_allowed"       405 Mend
    NotAcceptable          "not_acceptable"           406 Mend
    RequestTimeout         "request_timeout"          408 Wait
    AlreadyExists          "already_exists"           409 Look
    NotInThisState         "not_in_this_state"        409 Look
    CheckSuperseded        "check_superseded"         409 Mend
    IdempotencyInProgress  "idempotency_in_progress"  409 Wait
    PreconditionFailed     "precondition_failed"      412 Look
    BodyTooLarge           "body_too_large"           413 Mend
    TooManyItems           "too_many_items"           413 Mend
    UnsupportedMediaType   "unsupported_media_type"   415 Mend
    InvalidContentEncoding "invalid_content_encoding" 415 Mend
    InvalidRequest         "invalid_request"          422 Mend
    UnknownMember          "unknown_member"           422 Mend
    MissingMember          "missing_member"           422 Mend
    InvalidType            "invalid_type"             422 Mend
    InvalidIdentifier      "invalid_identifier"       422 Mend
    UnknownField           "unknown_field"            422 Mend
    InvalidClaim           "invalid_claim"            422 Mend
    InvalidPredicate       "invalid_predicate"        422 Mend
    InvalidPurpose         "invalid_purpose"          422 Mend
    InvalidValue           "invalid_value"            422 Mend
    ValueTooLong           "value_too_long"           422 Mend
    TargetNotAllowed       "target_not_allowed"       422 Ask
    IdempotencyKeyReused   "idempotency_key_reused"   422 Mend
    PreconditionRequired   "precondition_required"    428 Mend
    RateLimited            "rate_limited"             429 Wait
    CeilingReached         "ceiling_reached"          429 Wait
    QuotaReached           "quota_reached"            429 Wait
    Internal               "internal"                 500 Wait
    LedgerUnavailable      "ledger_unavailable"       503 Wait
    StoreUnavailable       "store_unavailable"        503 Wait
    SourceUnavailable      "source_unavailable"       503 Wait
    Overloaded             "overloaded"               503 Wait
}

impl ProblemCode {
    /// The code of that name, if the catalogue has it.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.as_str() == code)
    }

    /// Relative URL of its page, also the problem `type`.
    pub fn type_uri(self) -> String {
        format!("/problems/{}", self.as_str())
    }

    /// Short name; the same for every occurrence (RFC 9457 §3.1.4).
    pub fn title(self, locale: Locale) -> &'static str {
        text(&format!("problems.code.{}.title", self.as_str())).get(locale)
    }

    /// One or two sentences; also the default `detail` of a problem document.
    pub fn meaning(self) -> BilingualText {
        text(&format!("problems.code.{}.meaning", self.as_str()))
    }

    /// What usually leads here.
    pub fn cause(self) -> BilingualText {
        text(&format!("problems.code.{}.cause", self.as_str()))
    }

    /// What the calling side (clerk or developer) does next.
    pub fn caller(self) -> BilingualText {
        text(&format!("problems.code.{}.caller", self.as_str()))
    }

    /// What the people who run the hub or administer access do.
    pub fn operator(self) -> BilingualText {
        text(&format!("problems.code.{}.operator", self.as_str()))
    }

    /// `error` of RFC 6749 §5.2, for problems that the token endpoint answers with.
    pub const fn oauth_error(self) -> Option<&'static str> {
        match self {
            Self::InvalidOauthRequest => Some("invalid_request"),
            Self::UnsupportedGrantType => Some("unsupported_grant_type"),
            Self::InvalidScope => Some("invalid_scope"),
            Self::InvalidClient => Some("invalid_client"),
            _ => None,
        }
    }

    /// `error` of the token endpoint, for every problem: RFC 6749 §5.2, and for failures of the hub the words of §4.1.2.1.
    pub const fn token_error(self) -> &'static str {
        match (self.oauth_error(), self.status()) {
            (Some(error), _) => error,
            (None, 401) => "invalid_client",
            (None, 403) => "unauthorized_client",
            (None, 429 | 503) => "temporarily_unavailable",
            (None, 500..) => "server_error",
            (None, _) => "invalid_request",
        }
    }

    /// `WWW-Authenticate`, which every 401 must carry (RFC 9110 §11.6.1, RFC 6750 §3).
    pub const fn challenge(self) -> Option<&'static str> {
        match self {
            Self::InvalidToken | Self::TokenExpired => Some("Bearer realm=\"heyan\", error=\"invalid_token\""),
            Self::InvalidClient => Some("Basic realm=\"heyan\", charset=\"UTF-8\""),
            Self::Unauthenticated => Some("Bearer realm=\"heyan\""),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_is_unique_snake_case_and_found_by_its_name() {
        let mut seen = HashSet::new();
        for code in ProblemCode::ALL {
            let name = code.as_str();
            assert!(seen.insert(name), "{name} twice");
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            assert_eq!(ProblemCode::parse(name), Some(*code));
        }
        assert_eq!(ProblemCode::parse("no_such_code"), None);
    }

    #[test]
    fn the_files_have_the_texts_of_each_code_and_of_no_other() {
        let codes: HashSet<&str> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
        let told: HashSet<&str> = heyan_texts::keys("problems")
            .filter_map(|key| key.strip_prefix("code.")?.split('.').next())
            .collect();
        assert_eq!(codes, told);
        for code in ProblemCode::ALL {
            let is_han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
            assert!(
                code.title(Locale::ZhCn).chars().any(is_han) && !code.title(Locale::En).is_empty(),
                "{code:?}"
            );
            for text in [code.meaning(), code.cause(), code.caller(), code.operator()] {
                assert!(text.zh.chars().any(is_han) && !text.en.is_empty(), "{code:?}");
            }
            assert!(code.meaning().zh.ends_with('。') && code.meaning().en.ends_with('.'));
        }
    }

    #[test]
    fn every_code_is_raised_outside_the_catalogue() {
        let sources = format!("{}/..", env!("CARGO_MANIFEST_DIR"));
        let mut raised = String::new();
        let mut folders = vec![std::path::PathBuf::from(sources)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap();
                if path.is_dir() {
                    // The catalogue and its pages, and the lists of what an operation may answer, raise nothing.
                    if !["problem", "openapi", "tests", "target"].contains(&name) {
                        folders.push(path);
                    }
                } else if name.ends_with(".rs") && name != "tests.rs" {
                    let text = std::fs::read_to_string(&path).unwrap();
                    raised.push_str(text.split("#[cfg(test)]\nmod tests").next().unwrap());
                }
            }
        }
        for code in ProblemCode::ALL {
            // A fault of a body is raised by its word (`refuse::invalid`).
            let (variant, word) = (format!("ProblemCode::{code:?}"), format!("\"{}\"", code.as_str()));
            let named = raised
                .split(&variant)
                .skip(1)
                .any(|rest| !rest.starts_with(char::is_alphanumeric));
            assert!(named || raised.contains(&word), "{code:?} is raised nowhere");
        }
    }

    #[test]
    fn no_two_codes_share_a_title_or_an_explanation() {
        let mut titles = HashSet::new();
        let mut meanings = HashSet::new();
        for code in ProblemCode::ALL {
            for locale in Locale::ALL {
                assert!(titles.insert(code.title(locale)), "{}", code.as_str());
            }
            assert!(meanings.insert(code.meaning().en), "{}", code.as_str());
        }
    }

    #[test]
    fn statuses_are_error_statuses_in_ascending_order_and_each_401_has_a_challenge() {
        let statuses: Vec<u16> = ProblemCode::ALL.iter().map(|code| code.status()).collect();
        assert!(statuses.iter().all(|status| (400..600).contains(status)));
        assert!(statuses.is_sorted());
        for code in ProblemCode::ALL {
            assert_eq!(code.challenge().is_some(), code.status() == 401, "{}", code.as_str());
        }
    }

    #[test]
    fn what_the_hub_could_not_do_is_retried_and_what_the_caller_did_wrong_is_not() {
        for code in ProblemCode::ALL {
            let waits = code.next_step() == NextStep::Wait;
            if code.status() >= 500 || code.status() == 429 {
                assert!(waits, "{}", code.as_str());
            }
            if code.status() == 422 || code.status() == 400 {
                assert!(!waits, "{}", code.as_str());
            }
        }
    }
}
