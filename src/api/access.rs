//! Wire types of `/v1/agencies`, `/v1/grants`, `/v1/users` and of tokens.
//! A secret stands in [`NewCredential`] parts only: lists and single reads never carry one.

use heyan_domain::safe_integer::SafeInteger;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A new agency. ‖ 新机构。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAgency {
    /// Short name; made by the hub when missing. ‖ 短标识；缺省时由系统生成。
    #[schema(pattern = "^[a-z0-9._-]{1,64}$", example = "wuhu-hrss")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Name as people read it. ‖ 名称。
    #[schema(min_length = 1, max_length = 400, example = "芜湖市人力资源和社会保障局")]
    pub name: String,
    /// Unified social credit code. ‖ 统一社会信用代码。
    #[schema(example = "11340200003015013K")]
    pub credit_code: String,
    /// `agency` verifies; `authority` owns datasets. ‖ `agency` 核验；`authority` 为数据源部门。
    pub role: AgencyRole,
    /// Datasets that it is the authority for. ‖ 其作为数据源部门的数据资源。
    #[schema(max_items = 256)]
    #[serde(default)]
    pub authority_for: Vec<String>,
    /// Source networks in CIDR notation; none: anywhere. ‖ 来源网络（CIDR）；为空则不限。
    #[schema(max_items = 256, example = json!(["10.20.0.0/16"]))]
    #[serde(default)]
    pub networks: Vec<String>,
    /// Ed25519 public key for `private_key_jwt`: 32 bytes in base64 or base64url. ‖ `private_key_jwt` 用的 Ed25519 公钥：32 字节，base64 或 base64url。
    #[schema(min_length = 43, max_length = 44)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
}

/// An agency. ‖ 机构。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Agency {
    /// Short name. ‖ 短标识。
    #[schema(example = "wuhu-hrss")]
    pub id: String,
    /// Role of its client. ‖ 角色。
    pub role: AgencyRole,
    /// Number in ledger entries. ‖ 存证条目中的机构号。
    #[schema(minimum = 1, example = 3)]
    pub number: u64,
    /// Name as people read it. ‖ 名称。
    #[schema(example = "芜湖市人力资源和社会保障局")]
    pub name: String,
    /// Unified social credit code. ‖ 统一社会信用代码。
    #[schema(example = "11340200003015013K")]
    pub credit_code: String,
    /// Datasets that it is the authority for. ‖ 其作为数据源部门的数据资源。
    pub authority_for: Vec<String>,
    /// Source networks. ‖ 来源网络。
    pub networks: Vec<String>,
    /// Whether it is disabled. ‖ 是否停用。
    pub disabled: bool,
    /// When it was added. ‖ 新增时间。
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was last changed. ‖ 最后变更时间。
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// A client credential. The secret is shown once. ‖ 客户端凭据，密钥只显示一次。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NewCredential {
    /// OAuth 2.0 client id. ‖ 客户端标识。
    #[schema(example = "wuhu-hrss")]
    pub client_id: String,
    /// Its secret; keep it, it is never shown again. ‖ 客户端密钥，请妥善保存，不再显示。
    #[schema(example = "hys_EXAMPLE-ONLY-0000000000000000000000000000000000")]
    pub client_secret: String,
}

/// An agency with its credential. ‖ 机构及其凭据。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AddedAgency {
    /// As it is told everywhere.
    #[serde(flatten)]
    pub agency: Agency,
    /// What is told beside it.
    #[serde(flatten)]
    pub credential: NewCredential,
}

/// A user with the credential. ‖ 用户及其凭据。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AddedUser {
    /// As it is told everywhere.
    #[serde(flatten)]
    pub user: User,
    /// What is told beside it.
    #[serde(flatten)]
    pub credential: NewCredential,
}

/// A new secret beside the old one. ‖ 新密钥。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RotatedCredential {
    /// The new credential. ‖ 新凭据。
    #[serde(flatten)]
    pub credential: NewCredential,
    /// When the previous secret expires. ‖ 旧密钥的有效期限。
    #[schema(format = DateTime, example = "2026-11-23T03:04:05Z")]
    pub previous_valid_until: String,
}

/// Agencies of one page. ‖ 一页机构。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Agencies {
    /// In the order of their ids. ‖ 按标识排序。
    pub agencies: Vec<Agency>,
    /// Cursor of the next page; `null` on the last page. ‖ 下一页游标；末页为 `null`。
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// Whether an agency or a user is disabled now. ‖ 机构或用户当前是否停用。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Standing {
    /// Its id. ‖ 标识。
    #[schema(example = "wuhu-hrss")]
    pub id: String,
    /// Whether it is disabled. ‖ 是否停用。
    pub disabled: bool,
}

/// A new grant. ‖ 新授权。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGrant {
    /// Agency that gets it. ‖ 被授权机构。
    #[schema(example = "wuhu-hrss")]
    pub agency: String,
    /// Dataset. ‖ 数据资源。
    #[schema(example = "natural-person")]
    pub dataset: String,
    /// Field names, or `*` for all. ‖ 字段名，`*` 表示全部。
    #[schema(min_items = 1, max_items = 256, example = json!(["name", "birth_date"]))]
    pub fields: Vec<String>,
    /// Allowed operations. ‖ 允许的操作。
    #[schema(min_items = 1, max_items = 256)]
    pub operations: Vec<GrantOperation>,
    /// Service item codes, or `*` for all. ‖ 事项编码，`*` 表示全部。
    #[schema(min_items = 1, max_items = 256, example = json!(["*"]))]
    pub item_codes: Vec<String>,
    /// Start time; now if omitted. ‖ 生效时间，缺省为当前。
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    /// End time; no end if omitted. ‖ 截止时间，缺省为长期。
    #[schema(format = DateTime, example = "2027-12-31T16:00:00Z")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    /// Look-ups a day (Asia/Shanghai); without limit when missing. ‖ 每日次数上限（北京时间），缺省不限。
    #[schema(value_type = Option<u64>, minimum = 0, maximum = 9007199254740991_i64, example = 5000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daily_ceiling: Option<SafeInteger>,
    /// Source networks in CIDR notation; none: anywhere. ‖ 来源网络（CIDR）；为空则不限。
    #[schema(max_items = 256)]
    #[serde(default)]
    pub networks: Vec<String>,
}

/// A grant. ‖ 授权。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    /// Its id. ‖ 授权编号。
    #[schema(example = "grt_b3J3ZWxsMTk4NF9oZXlhbg")]
    pub id: String,
    /// Agency that has it. ‖ 被授权机构。
    #[schema(example = "wuhu-hrss")]
    pub agency: String,
    /// Dataset. ‖ 数据资源。
    #[schema(example = "natural-person")]
    pub dataset: String,
    /// Field names, or `*`. ‖ 字段名或 `*`。
    pub fields: Vec<String>,
    /// Allowed operations. ‖ 允许的操作。
    pub operations: Vec<GrantOperation>,
    /// Service item codes, or `*`. ‖ 事项编码或 `*`。
    pub item_codes: Vec<String>,
    /// Start time. ‖ 生效时间。
    #[schema(format = DateTime)]
    pub valid_from: String,
    /// End time. ‖ 截止时间。
    #[schema(required = true, format = DateTime)]
    pub valid_until: Option<String>,
    /// Look-ups a day. ‖ 每日次数上限。
    #[schema(required = true)]
    pub daily_ceiling: Option<u64>,
    /// Source networks. ‖ 来源网络。
    pub networks: Vec<String>,
    /// When it was revoked. ‖ 撤销时间。
    #[schema(required = true, format = DateTime)]
    pub revoked_at: Option<String>,
    /// When it was added. ‖ 新增时间。
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// Grants of one page. ‖ 一页授权。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Grants {
    /// In the order of their ids. ‖ 按编号排序。
    pub grants: Vec<Grant>,
    /// Cursor of the next page; `null` on the last page. ‖ 下一页游标；末页为 `null`。
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// A new user of the bureau. ‖ 新的管理用户。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// Short name, also the client id. ‖ 短标识，即客户端标识。
    #[schema(pattern = "^[a-z0-9._-]{1,64}$", example = "auditor-li")]
    pub id: String,
    /// Name as people read it. ‖ 姓名。
    #[schema(min_length = 1, max_length = 400, example = "李审计")]
    pub name: String,
    /// Role; a user has one. ‖ 唯一角色。
    pub role: UserRole,
}

/// A user of the bureau. ‖ 管理用户。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Short name. ‖ 短标识。
    #[schema(example = "auditor-li")]
    pub id: String,
    /// Name as people read it. ‖ 姓名。
    #[schema(example = "李审计")]
    pub name: String,
    /// Role. ‖ 角色。
    pub role: UserRole,
    /// Whether the user is disabled. ‖ 是否停用。
    pub disabled: bool,
    /// Time when the user was added. ‖ 新增时间。
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Time of the last change. ‖ 最后变更时间。
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// Users of one page. ‖ 一页用户。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Users {
    /// In the order of their ids. ‖ 按标识排序。
    pub users: Vec<User>,
    /// Cursor of the next page; `null` on the last page. ‖ 下一页游标；末页为 `null`。
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// A token request, RFC 6749 §4.4. Unknown parameters are passed over, as the RFC asks. ‖ 令牌请求，RFC 6749 §4.4。按该标准，未知参数不予理会。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenForm {
    /// `client_credentials`. ‖ 固定为 `client_credentials`。
    pub grant_type: GrantType,
    /// Client id, for `client_secret_post`. ‖ 客户端标识，用于 `client_secret_post`。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Client secret, for `client_secret_post`; never together with HTTP Basic. ‖ 客户端密钥，用于 `client_secret_post`，不得与 HTTP Basic 并用。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// For `private_key_jwt`. ‖ 用于 `private_key_jwt`。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_assertion_type: Option<AssertionType>,
    /// Signed assertion (RFC 7523, EdDSA), for `private_key_jwt`. ‖ 签名断言（RFC 7523，EdDSA），用于 `private_key_jwt`。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_assertion: Option<String>,
}

/// A token. ‖ 令牌。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// The token: a JWT of type `at+jwt` (RFC 9068), signed by EdDSA. ‖ 令牌：`at+jwt` 型 JWT（RFC 9068），EdDSA 签名。
    #[schema(example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.EXAMPLE.ONLY")]
    pub access_token: String,
    /// `Bearer`. ‖ 固定为 `Bearer`。
    pub token_type: TokenType,
    /// Life, seconds. ‖ 有效秒数。
    #[schema(minimum = 1, example = 600)]
    pub expires_in: u64,
}

/// Keys that verify tokens, RFC 7517. ‖ 验证令牌的公钥集，RFC 7517。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Jwks {
    /// The current key first. ‖ 当前密钥在前。
    #[schema(min_items = 1)]
    pub keys: Vec<Jwk>,
}

/// An Ed25519 key, RFC 8037. ‖ Ed25519 公钥，RFC 8037。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Jwk {
    /// `OKP`. ‖ 固定为 `OKP`。
    #[schema(example = "OKP")]
    pub kty: String,
    /// `Ed25519`. ‖ 固定为 `Ed25519`。
    #[schema(example = "Ed25519")]
    pub crv: String,
    /// Public key, base64url. ‖ 公钥，base64url。
    pub x: String,
    /// Key id. ‖ 密钥标识。
    pub kid: String,
    /// `sig`. ‖ 固定为 `sig`。
    #[schema(example = "sig")]
    #[serde(rename = "use")]
    pub usage: String,
    /// `EdDSA`. ‖ 固定为 `EdDSA`。
    #[schema(example = "EdDSA")]
    pub alg: String,
}

/// What a client needs to know of the issuer, RFC 8414. ‖ 令牌签发方的元数据，RFC 8414。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Metadata {
    /// Issuer. ‖ 签发方。
    pub issuer: String,
    /// Where tokens are issued. ‖ 令牌接口地址。
    pub token_endpoint: String,
    /// Where the keys are. ‖ 公钥集地址。
    pub jwks_uri: String,
    /// Grant types. ‖ 支持的授权类型。
    pub grant_types_supported: Vec<GrantType>,
    /// None: there is no authorization endpoint. ‖ 为空：没有授权端点。
    #[schema(max_items = 0)]
    pub response_types_supported: Vec<String>,
    /// Ways to prove a client. ‖ 客户端认证方式。
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// Signatures of assertions. ‖ 断言的签名算法。
    pub token_endpoint_auth_signing_alg_values_supported: Vec<String>,
}

words! {
    /// Role of an agency's client. ‖ 机构的角色。
    AgencyRole;
    /// `verify`: compare values; `predicate`: evaluate conditions; `read`: read permitted fields and explanations; `contribute`: bring records; `existence`: learn that no record exists; `stale_ok`: accept a stale answer. ‖ `verify` 比对；`predicate` 条件核验；`read` 读取字段与说明；`contribute` 报送；`existence` 得知库中无此号；`stale_ok` 接受旧值。
    GrantOperation;
    /// Role of a user; a person holds at most one. ‖ 用户角色，一人不得兼任。
    UserRole;
    /// Grant type. ‖ 授权类型。
    GrantType;
    /// Assertion type, RFC 7523 §2.2. ‖ 断言类型，RFC 7523 §2.2。
    AssertionType;
    /// Kind of token. ‖ 令牌种类。
    TokenType;
}
