//! Wire type of every refusal and failure, RFC 9457.
//! A problem inside a batch or stream has no `trace_id`: the answer that it stands in was a success.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A problem document, RFC 9457. ‖ 问题文档，RFC 9457。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Page of the code: meaning, cause and remedy. ‖ 该代码的说明页：含义、原因与处置。
    #[schema(example = "/problems/invalid_identifier")]
    #[serde(rename = "type")]
    pub kind: String,
    /// Short name, in the language of the answer. ‖ 简短名称，随答复语言。
    #[schema(example = "标识不成立")]
    pub title: String,
    /// HTTP status. ‖ HTTP 状态码。
    #[schema(minimum = 400, maximum = 599, example = 422)]
    pub status: u16,
    /// What is wrong this time; never a value from a register or from the request. ‖ 本次的具体情况，绝不含库中或请求中的值。
    pub detail: String,
    /// Code for programs; never translated. ‖ 供程序判断的代码，不翻译。
    pub code: ProblemCode,
    /// Places of the request that are wrong. ‖ 请求中有错的位置。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<FieldError>>,
    /// Seconds after which the same request may succeed; also in `Retry-After`. ‖ 可重试的秒数，同 `Retry-After`。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    /// RFC 6749 error, from the token endpoint only. ‖ RFC 6749 错误代码，仅令牌接口。
    #[schema(nullable = false, example = "invalid_client")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The same in words. ‖ 上项的文字说明。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    /// Clause of the grant that is missing. ‖ 授权所缺的条款。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_clause: Option<MissingClause>,
    /// Why the dataset is withheld. ‖ 数据资源不予共享的依据。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// Why a push target is not allowed. ‖ 推送地址不予接受的原因。
    #[schema(nullable = false, example = "host")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Which quota of the agency is reached: `open_mismatches`, `cases`, `saved_replies`, `watches`, `subscriptions`, `test_events`, `tokens`, `uploads`. ‖ 本机构已达上限的配额：`open_mismatches` 未办结差异、`cases` 联办事项、`saved_replies` 幂等答复、`watches` 跟踪、`subscriptions` 订阅、`test_events` 测试事件、`tokens` 令牌、`uploads` 上传。
    #[schema(nullable = false, example = "open_mismatches")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<String>,
    /// How many there may be. ‖ 该配额的上限。
    #[schema(nullable = false, example = 50000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_limit: Option<u64>,
    /// Identifier of the request in the hub's log. ‖ 请求在日志中的编号。
    #[schema(nullable = false, example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

/// One place that is wrong. ‖ 一处错误。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// JSON Pointer as a URI fragment, RFC 6901 §6. ‖ JSON 指针（URI 片段形式），RFC 6901 §6。
    #[schema(example = "#/subject/id_number")]
    pub pointer: String,
    /// Reason. ‖ 错误代码。
    pub code: FieldErrorCode,
    /// Which rule of an identifier is broken. ‖ 标识违反了哪条规则。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<IdentifierFault>,
    /// The same in words. ‖ 文字说明。
    pub detail: String,
}

words! {
    /// Every code. ‖ 全部代码。
    ProblemCode;
    /// Clause of a grant. ‖ 授权条款。
    MissingClause;
    /// Why a place is wrong. ‖ 错误代码。
    FieldErrorCode;
    /// Rule of an identifier. ‖ 标识规则。
    IdentifierFault;
}
