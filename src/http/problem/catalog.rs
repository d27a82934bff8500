//! The closed catalogue of problems: one row per code with its status, titles and what to do next.
//! A code is a promise to callers: it is never renamed and never given another meaning.

use super::texts::{Explanation, access, content, lookup, server, syntax};
use crate::locale::{Locale, Text, text};

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
    pub const fn label(self) -> Text {
        match self {
            Self::Mend => text!("改正后重发" => "Correct the request"),
            Self::Wait => text!("稍后原样重试" => "Wait and retry"),
            Self::Renew => text!("更新凭据后重试" => "Renew the credential"),
            Self::Ask => text!("联系管理员" => "Ask the manager"),
            Self::Look => text!("查看现状后再定" => "Look, then decide"),
        }
    }
}

macro_rules! catalogue {
    ($($variant:ident $code:literal $status:literal $step:ident $module:ident::$text:ident $zh:literal $en:literal)*) => {
        /// Every kind of refusal or failure that leaves the hub.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ProblemCode {
            $(#[doc = concat!("`", $code, "`, HTTP ", stringify!($status), ": ", $en)] $variant,)*
        }

        impl ProblemCode {
            /// Every code, by status, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as it stands in problem documents and in `/problems/{code}`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// Short name; the same for every occurrence (RFC 9457 §3.1.4).
            pub const fn titles(self) -> Text {
                match self { $(Self::$variant => Text { zh: $zh, en: $en },)* }
            }

            /// What a calling program does next.
            pub const fn next_step(self) -> NextStep {
                match self { $(Self::$variant => NextStep::$step,)* }
            }

            /// The texts of its page.
            pub fn explanation(self) -> &'static Explanation {
                match self { $(Self::$variant => &$module::$text,)* }
            }
        }
    };
}

catalogue! {
//  variant                code                        status step  texts                             title zh                title en
    InvalidJson            "invalid_json"              400    Mend  syntax::INVALID_JSON              "JSON 语法错误"         "Malformed JSON"
    DuplicateMember        "duplicate_member"          400    Mend  syntax::DUPLICATE_MEMBER          "JSON 成员重名"         "Duplicate JSON member"
    NestingTooDeep         "nesting_too_deep"          400    Mend  syntax::NESTING_TOO_DEEP          "JSON 嵌套过深"         "JSON nested too deep"
    UnsafeNumber           "unsafe_number"             400    Mend  syntax::UNSAFE_NUMBER             "数字无法精确表示"      "Number cannot be exact"
    InvalidEncoding        "invalid_encoding"          400    Mend  syntax::INVALID_ENCODING          "字符编码不是 UTF-8"    "Not valid UTF-8"
    InvalidMultipart       "invalid_multipart"         400    Mend  syntax::INVALID_MULTIPART         "multipart 格式不正确"  "Malformed multipart body"
    InvalidHeader          "invalid_header"            400    Mend  syntax::INVALID_HEADER            "请求头格式不正确"      "Malformed request header"
    InvalidParameter       "invalid_parameter"         400    Mend  syntax::INVALID_PARAMETER         "请求参数不正确"        "Invalid path or query parameter"
    InvalidCursor          "invalid_cursor"            400    Mend  syntax::INVALID_CURSOR            "翻页游标无效"          "Invalid paging cursor"
    InvalidOauthRequest    "invalid_oauth_request"     400    Mend  access::INVALID_OAUTH_REQUEST     "令牌请求不正确"        "Invalid token request"
    UnsupportedGrantType   "unsupported_grant_type"    400    Mend  access::UNSUPPORTED_GRANT_TYPE    "不支持的授权类型"      "Unsupported grant type"
    InvalidScope           "invalid_scope"             400    Ask   access::INVALID_SCOPE             "权限范围无效"          "Invalid scope"
    Unauthenticated        "unauthenticated"           401    Renew access::UNAUTHENTICATED           "未提供身份凭据"        "No credential"
    InvalidToken           "invalid_token"             401    Renew access::INVALID_TOKEN             "令牌无效"              "Invalid token"
    TokenExpired           "token_expired"             401    Renew access::TOKEN_EXPIRED             "令牌已过期"            "Token expired"
    InvalidClient          "invalid_client"            401    Mend  access::INVALID_CLIENT            "客户端认证失败"        "Client authentication failed"
    InvalidSignature       "invalid_signature"         401    Renew access::INVALID_SIGNATURE         "请求签名无效"          "Invalid request signature"
    ReplayedRequest        "replayed_request"          401    Renew access::REPLAYED_REQUEST          "请求被重放"            "Replayed request"
    RoleNotAllowed         "role_not_allowed"          403    Ask   access::ROLE_NOT_ALLOWED          "角色无权使用此接口"    "Role not allowed"
    NotGranted             "not_granted"               403    Ask   access::NOT_GRANTED               "没有相应授权"          "Not granted"
    DatasetWithheld        "dataset_withheld"          403    Ask   access::DATASET_WITHHELD          "数据资源不予共享"      "Dataset withheld"
    NetworkNotAllowed      "network_not_allowed"       403    Ask   access::NETWORK_NOT_ALLOWED       "来源网络未登记"        "Network not allowed"
    CertificateRequired    "certificate_required"      403    Ask   access::CERTIFICATE_REQUIRED      "须使用客户端证书"      "Client certificate required"
    NotOwner               "not_owner"                 403    Ask   access::NOT_OWNER                 "不属于本机构"          "Not the owner"
    AgencyDisabled         "agency_disabled"           403    Ask   access::AGENCY_DISABLED           "机构已停用"            "Agency disabled"
    RouteNotFound          "route_not_found"           404    Mend  lookup::ROUTE_NOT_FOUND           "地址不存在"            "No such address"
    DatasetNotFound        "dataset_not_found"         404    Mend  lookup::DATASET_NOT_FOUND         "数据资源不存在"        "No such dataset"
    ReceiptNotFound        "receipt_not_found"         404    Mend  lookup::RECEIPT_NOT_FOUND         "核验回执不存在"        "No such receipt"
    VerificationNotFound   "verification_not_found"    404    Mend  lookup::VERIFICATION_NOT_FOUND    "核验不存在"            "No such verification"
    AgencyNotFound         "agency_not_found"          404    Mend  lookup::AGENCY_NOT_FOUND          "机构不存在"            "No such agency"
    GrantNotFound          "grant_not_found"           404    Mend  lookup::GRANT_NOT_FOUND           "授权不存在"            "No such grant"
    UserNotFound           "user_not_found"            404    Mend  lookup::USER_NOT_FOUND            "用户不存在"            "No such user"
    RecordNotFound         "record_not_found"          404    Look  lookup::RECORD_NOT_FOUND          "库中无此号"            "No such record"
    MismatchNotFound       "mismatch_not_found"        404    Mend  lookup::MISMATCH_NOT_FOUND        "差异不存在"            "No such mismatch"
    SubscriptionNotFound   "subscription_not_found"    404    Mend  lookup::SUBSCRIPTION_NOT_FOUND    "订阅不存在"            "No such subscription"
    DeliveryNotFound       "delivery_not_found"        404    Mend  lookup::DELIVERY_NOT_FOUND        "投递不存在"            "No such delivery"
    ItemNotFound           "item_not_found"            404    Mend  lookup::ITEM_NOT_FOUND            "事项不存在"            "No such service item"
    SealNotFound           "seal_not_found"            404    Mend  lookup::SEAL_NOT_FOUND            "封存不存在"            "No such seal"
    WatchNotFound          "watch_not_found"           404    Mend  lookup::WATCH_NOT_FOUND           "关注不存在"            "No such watch"
    CaseNotFound           "case_not_found"            404    Mend  lookup::CASE_NOT_FOUND            "联办件或核验不存在"    "No such case or check"
    AlertNotFound          "alert_not_found"           404    Mend  lookup::ALERT_NOT_FOUND           "警示不存在"            "No such alert"
    RuleNotFound           "rule_not_found"            404    Mend  lookup::RULE_NOT_FOUND            "监察规则不存在"        "No such rule"
    ProblemNotFound        "problem_not_found"         404    Mend  lookup::PROBLEM_NOT_FOUND         "问题代码不存在"        "No such problem code"
    TileNotFound           "tile_not_found"            404    Look  lookup::TILE_NOT_FOUND            "存证数据块不存在"      "No such ledger tile"
    MethodNotAllowed       "method_not_allowed"        405    Mend  syntax::METHOD_NOT_ALLOWED        "不支持的请求方法"      "Method not allowed"
    NotAcceptable          "not_acceptable"            406    Mend  syntax::NOT_ACCEPTABLE            "无法提供所要求的格式"  "Format not available"
    RequestTimeout         "request_timeout"           408    Wait  syntax::REQUEST_TIMEOUT           "接收请求超时"          "Request timed out"
    AlreadyExists          "already_exists"            409    Look  lookup::ALREADY_EXISTS            "已经存在"              "Already exists"
    VersionConflict        "version_conflict"          409    Look  lookup::VERSION_CONFLICT          "版本冲突"              "Version conflict"
    NotInThisState         "not_in_this_state"         409    Look  lookup::NOT_IN_THIS_STATE         "当前状态不允许"        "Not possible in this state"
    CheckSuperseded        "check_superseded"          409    Mend  lookup::CHECK_SUPERSEDED          "核验已过时"            "Check superseded"
    IdempotencyInProgress  "idempotency_in_progress"   409    Wait  lookup::IDEMPOTENCY_IN_PROGRESS   "相同请求正在处理"      "Same request in progress"
    PreconditionFailed     "precondition_failed"       412    Look  lookup::PRECONDITION_FAILED       "版本条件不成立"        "Precondition failed"
    BodyTooLarge           "body_too_large"            413    Mend  syntax::BODY_TOO_LARGE            "请求体过大"            "Body too large"
    TooManyItems           "too_many_items"            413    Mend  syntax::TOO_MANY_ITEMS            "批量条目过多"          "Too many items"
    UriTooLong             "uri_too_long"              414    Mend  syntax::URI_TOO_LONG              "请求地址过长"          "Address too long"
    UnsupportedMediaType   "unsupported_media_type"    415    Mend  syntax::UNSUPPORTED_MEDIA_TYPE    "不支持的内容类型"      "Unsupported media type"
    InvalidContentEncoding "invalid_content_encoding"  415    Mend  syntax::INVALID_CONTENT_ENCODING  "不接受压缩的请求体"    "Content encoding not accepted"
    InvalidRequest         "invalid_request"           422    Mend  content::INVALID_REQUEST          "请求内容不符合约定"    "Invalid request"
    UnknownMember          "unknown_member"            422    Mend  content::UNKNOWN_MEMBER           "约定之外的成员"        "Unknown member"
    MissingMember          "missing_member"            422    Mend  content::MISSING_MEMBER           "缺少必需的成员"        "Missing member"
    InvalidType            "invalid_type"              422    Mend  content::INVALID_TYPE             "成员类型不正确"        "Wrong member type"
    InvalidIdentifier      "invalid_identifier"        422    Mend  content::INVALID_IDENTIFIER       "标识不成立"            "Invalid identifier"
    UnknownField           "unknown_field"             422    Mend  content::UNKNOWN_FIELD            "没有此字段"            "Unknown field"
    InvalidClaim           "invalid_claim"             422    Mend  content::INVALID_CLAIM            "申报值无法比对"        "Invalid claim"
    InvalidPredicate       "invalid_predicate"         422    Mend  content::INVALID_PREDICATE        "条件式核验不正确"      "Invalid predicate"
    InvalidPurpose         "invalid_purpose"           422    Mend  content::INVALID_PURPOSE          "使用事由不成立"        "Invalid purpose"
    InvalidRecord          "invalid_record"            422    Mend  content::INVALID_RECORD           "记录不符合规范"        "Invalid record"
    InvalidValue           "invalid_value"             422    Mend  content::INVALID_VALUE            "取值不在允许范围"      "Value not allowed"
    ValueTooLong           "value_too_long"            422    Mend  content::VALUE_TOO_LONG           "值过长"                "Value too long"
    TargetNotAllowed       "target_not_allowed"        422    Ask   content::TARGET_NOT_ALLOWED       "不允许的推送目标"      "Target not allowed"
    IdempotencyKeyReused   "idempotency_key_reused"    422    Mend  content::IDEMPOTENCY_KEY_REUSED   "幂等键被复用"          "Idempotency key reused"
    PreconditionRequired   "precondition_required"     428    Mend  lookup::PRECONDITION_REQUIRED     "缺少条件请求头"        "Precondition required"
    RateLimited            "rate_limited"              429    Wait  access::RATE_LIMITED              "请求过于频繁"          "Rate limited"
    CeilingReached         "ceiling_reached"           429    Wait  access::CEILING_REACHED           "当日次数已达上限"      "Daily ceiling reached"
    HeadersTooLarge        "headers_too_large"         431    Mend  syntax::HEADERS_TOO_LARGE         "请求头过大"            "Headers too large"
    Internal               "internal"                  500    Wait  server::INTERNAL                  "系统内部错误"          "Internal error"
    LedgerUnavailable      "ledger_unavailable"        503    Wait  server::LEDGER_UNAVAILABLE        "存证日志不可用"        "Ledger unavailable"
    StoreUnavailable       "store_unavailable"         503    Wait  server::STORE_UNAVAILABLE         "数据库不可用"          "Store unavailable"
    SourceUnavailable      "source_unavailable"        503    Wait  server::SOURCE_UNAVAILABLE        "权威数据源不可用"      "Source unavailable"
    Overloaded             "overloaded"                503    Wait  server::OVERLOADED                "系统繁忙"              "Overloaded"
    Draining               "draining"                  503    Wait  server::DRAINING                  "节点正在停止"          "Node is draining"
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

    /// The title in one language.
    pub const fn title(self, locale: Locale) -> &'static str {
        self.titles().get(locale)
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
            Self::Unauthenticated | Self::InvalidSignature | Self::ReplayedRequest => Some("Bearer realm=\"heyan\""),
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
    fn every_text_is_there_in_both_languages_and_none_is_in_the_wrong_one() {
        for code in ProblemCode::ALL {
            let long = code.explanation();
            let texts = [code.titles(), long.meaning, long.cause, long.caller, long.operator];
            for text in texts {
                let name = code.as_str();
                assert!(!text.zh.trim().is_empty() && !text.en.trim().is_empty(), "{name}");
                assert!(text.zh.chars().any(is_han), "{name}: {}", text.zh);
                assert!(!text.zh.contains(", "), "{name}: ASCII comma in Chinese");
            }
            for text in [code.titles(), long.meaning, long.cause, long.operator] {
                assert!(!text.en.chars().any(is_han), "{}: {}", code.as_str(), text.en);
            }
            assert!(long.meaning.zh.ends_with('。') && long.meaning.en.ends_with('.'));
        }
    }

    #[test]
    fn no_two_codes_share_a_title_or_an_explanation() {
        let mut titles = HashSet::new();
        let mut meanings = HashSet::new();
        for code in ProblemCode::ALL {
            assert!(titles.insert(code.titles().zh), "{}", code.as_str());
            assert!(titles.insert(code.titles().en), "{}", code.as_str());
            assert!(meanings.insert(code.explanation().meaning.en), "{}", code.as_str());
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

    fn is_han(c: char) -> bool {
        ('\u{4e00}'..='\u{9fff}').contains(&c)
    }
}
