//! Shape of every refusal and failure, RFC 9457.
//! A problem inside a batch or stream has no `trace_id`: the answer that it stands in was a success.

use utoipa::ToSchema;

/// A problem document, RFC 9457. ‖ 问题文档，RFC 9457。
#[derive(ToSchema)]
pub struct Problem {
    /// Page of the code: meaning, cause and remedy. ‖ 该代码的说明页：含义、原因与处置。
    #[schema(rename = "type", example = "/problems/invalid_identifier")]
    pub kind: String,
    /// Short name, in the language of the answer. ‖ 简短名称，随答复语言。
    #[schema(example = "标识不成立")]
    pub title: String,
    /// HTTP status. ‖ HTTP 状态码。
    #[schema(minimum = 400, maximum = 599, example = 422)]
    pub status: u16,
    /// What is wrong this time; never a value from a register or from the request. ‖ 本次的具体情况，绝不含库中或请求中的值。
    pub detail: String,
    /// The code to program against; never translated. ‖ 供程序判断的代码，不翻译。
    pub code: ProblemCode,
    /// Places of the request that are wrong. ‖ 请求中有错的位置。
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
    /// Seconds after which the same request may succeed; also in `Retry-After`. ‖ 可重试的秒数，同 `Retry-After`。
    #[schema(required = false)]
    pub retry_after_s: u32,
    /// Clause of the grant that is missing. ‖ 授权所缺的条款。
    #[schema(required = false)]
    pub missing_clause: MissingClause,
    /// Why the dataset is withheld. ‖ 数据资源不予共享的依据。
    #[schema(required = false)]
    pub legal_basis: String,
    /// RFC 6749 error, from the token endpoint only. ‖ RFC 6749 错误代码，仅令牌接口。
    #[schema(required = false, example = "invalid_client")]
    pub error: String,
    /// The same in words. ‖ 上项的文字说明。
    #[schema(required = false)]
    pub error_description: String,
    /// Names the request in the hub's log. ‖ 请求在日志中的编号。
    #[schema(required = false, example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    pub trace_id: String,
}

/// Every code. ‖ 全部代码。
#[derive(ToSchema)]
pub struct ProblemCode;

/// Clause of a grant. ‖ 授权条款。
#[derive(ToSchema)]
pub struct MissingClause;

/// One place that is wrong. ‖ 一处错误。
#[derive(ToSchema)]
pub struct FieldError {
    /// JSON Pointer as a URI fragment, RFC 6901 §6. ‖ JSON 指针（URI 片段形式），RFC 6901 §6。
    #[schema(example = "#/subject/id_number")]
    pub pointer: String,
    /// Why. ‖ 错误代码。
    pub code: FieldErrorCode,
    /// Which rule of an identifier is broken. ‖ 标识违反了哪条规则。
    #[schema(required = false)]
    pub reason: IdentifierFault,
    /// The same in words. ‖ 文字说明。
    pub detail: String,
}

/// Why a place is wrong. ‖ 错误代码。
#[derive(ToSchema)]
pub struct FieldErrorCode;

/// Rule of an identifier. ‖ 标识规则。
#[derive(ToSchema)]
pub struct IdentifierFault;
