//! Wire types of approvals, of the administration's log, and of the question whether something would be allowed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{GrantOperation, MissingClause, User, UserRole};

/// Something that waits for a second manager. ‖ 等待第二位管理员确认的事项。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WaitingApproval {
    /// Id under which a second manager confirms it. ‖ 第二位管理员据以确认的编号。
    #[schema(example = "apr_01KB2Q0000000000000000002A")]
    pub approval: String,
}

/// Something that one manager asked for and another confirms. ‖ 一位管理员提出、另一位确认的事项。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Approval {
    /// Its id. ‖ 编号。
    #[schema(example = "apr_01KB2Q0000000000000000002A")]
    pub id: String,
    /// `user.add` or `user.rotate_secret`. ‖ `user.add` 新增用户，`user.rotate_secret` 更换用户密钥。
    #[schema(example = "user.add")]
    pub action: String,
    /// User that it is about. ‖ 所涉用户。
    #[schema(example = "auditor-li")]
    pub target: String,
    /// Role of a new user. ‖ 新用户的角色。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<UserRole>,
    /// `requested` or `confirmed`. ‖ `requested` 待确认，`confirmed` 已确认。
    #[schema(example = "requested")]
    pub state: String,
    /// Client that asked. ‖ 提出者。
    #[schema(example = "manager")]
    pub asked_by: String,
    /// When it was asked for. ‖ 提出时间。
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// Approvals of the last seven days, oldest first. ‖ 近七天的确认事项，从旧到新。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Approvals {
    /// In the order of their ids. ‖ 按编号排序。
    pub approvals: Vec<Approval>,
}

/// What was confirmed, with the credential. ‖ 已确认事项及其凭据。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ConfirmedApproval {
    /// The approval. ‖ 确认事项编号。
    #[schema(example = "apr_01KB2Q0000000000000000002A")]
    pub approval: String,
    /// The user. ‖ 用户。
    pub user: User,
    /// OAuth 2.0 client id. ‖ 客户端标识。
    #[schema(example = "auditor-li")]
    pub client_id: String,
    /// Its secret, shown once: it goes to the user. ‖ 客户端密钥，只显示一次，应交给该用户本人。
    #[schema(example = "hys_EXAMPLE-ONLY-0000000000000000000000000000000000")]
    pub client_secret: String,
    /// When the secret before it ends. ‖ 旧密钥的有效期限。
    #[schema(nullable = false, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_valid_until: Option<String>,
}

/// How a secret is rotated. ‖ 如何更换密钥。
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateSecret {
    /// Whether the secret before it ends at once, as after a leak. ‖ 旧密钥是否立即失效（如已泄露）。
    #[serde(default)]
    pub now: bool,
}

/// What is changed of an agency; what is left out stays. ‖ 机构的变更，缺省项不变。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgencyChange {
    /// Name as people read it. ‖ 名称。
    #[schema(min_length = 1, max_length = 400, example = "芜湖市人力资源和社会保障局")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Source networks in CIDR notation; an empty list: anywhere. ‖ 来源网络（CIDR）；空列表为不限。
    #[schema(max_items = 256, example = json!(["10.20.0.0/16"]))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub networks: Option<Vec<String>>,
    /// Ed25519 public key for `private_key_jwt`, 32 bytes in base64 or base64url; an empty text takes it away. ‖ `private_key_jwt` 用的 Ed25519 公钥，32 字节，base64 或 base64url；空字符串为撤去。
    #[schema(max_length = 44)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
}

/// One act of administration. ‖ 一次管理操作。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AdministrationAct {
    /// Its id. ‖ 编号。
    #[schema(example = "adm_01KB2Q0000000000000000002A")]
    pub id: String,
    /// When. ‖ 时间。
    #[schema(format = DateTime)]
    pub at: String,
    /// What was done. ‖ 操作。
    #[schema(example = "grant.add")]
    pub action: String,
    /// To what: the id of an agency, a grant, a user or an approval. ‖ 对象：机构、授权、用户或确认事项的编号。
    #[schema(example = "grt_b3J3ZWxsMTk4NF9oZXlhbg")]
    pub target: String,
    /// Client that did it; empty: the command line, at the first start. ‖ 操作者；为空：首次启动时由命令行。
    #[schema(example = "manager")]
    pub by: String,
}

/// Acts of administration of one page, newest first. ‖ 一页管理操作，从新到旧。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AdministrationLog {
    /// Newest first. ‖ 从新到旧。
    pub acts: Vec<AdministrationAct>,
    /// Cursor of the next page; `null` on the last page. ‖ 下一页游标；末页为 `null`。
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// Would this be allowed? ‖ 是否允许？
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessQuestion {
    /// Agency. ‖ 机构。
    #[schema(example = "wuhu-hrss")]
    pub agency: String,
    /// Dataset. ‖ 数据资源。
    #[schema(example = "natural-person")]
    pub dataset: String,
    /// Service item code. ‖ 事项编码。
    #[schema(example = "11340200003010677X3442199806003")]
    pub item_code: String,
    /// Operation. ‖ 操作。
    pub operation: GrantOperation,
    /// Fields; none: any. ‖ 字段，缺省为任一。
    #[schema(max_items = 256, example = json!(["name"]))]
    #[serde(default)]
    pub fields: Vec<String>,
    /// Address that the call would come from; the caller's when missing. ‖ 请求来源地址，缺省为调用方地址。
    #[schema(example = "10.20.0.7")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// Whether it would be allowed now, and why not. Nothing is counted. ‖ 当前是否允许及原因，不计次数。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AccessExplanation {
    /// Whether it would. ‖ 是否允许。
    pub allowed: bool,
    /// The nearest clause that is missing. ‖ 所缺的条款。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_clause: Option<MissingClause>,
    /// Why the dataset is withheld. ‖ 不予共享的依据。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// Whether the agency or its client is disabled. ‖ 机构是否停用。
    pub disabled: bool,
    /// Fields that the operation would not cover. ‖ 该操作不涵盖的字段。
    pub fields_missing: Vec<String>,
}
