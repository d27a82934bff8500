//! Wire types of `/v1/mismatches`, `/v1/subscriptions`, `/v1/deliveries` and `/v1/supervision`.
//! A secret stands in [`SubscriptionWithSecret`] only; what a reader may not see is left out, not empty.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{RecordFields, Subject};

/// One page of mismatches. ‖ 一页差异。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Mismatches {
    /// In the order of their ids. ‖ 按编号排序。
    pub mismatches: Vec<MismatchSummary>,
    /// Cursor of the next page; null on the last page. ‖ 下一页游标，末页为空。
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// A mismatch in a list. ‖ 列表中的差异。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct MismatchSummary {
    /// Identifier. ‖ 编号。
    #[schema(example = "mis_01KB2Q0000000000000000002A")]
    pub id: String,
    /// Current state. ‖ 状态。
    pub state: MismatchState,
    /// Dataset. ‖ 数据资源。
    #[schema(example = "natural-person")]
    pub dataset: String,
    /// Agency whose application it is. ‖ 办件所属机构。
    #[schema(example = "wuhu-hrss")]
    pub agency: String,
    /// Fields that differ. ‖ 不一致的字段。
    pub fields: Vec<String>,
    /// Deadline for the party that must act next, in working days; null if no party must act, or if the working days of that year are not published yet. ‖ 轮到一方的办理期限（按工作日计）；无人待办或该年工作日尚未公布时为空。
    #[schema(required = true, format = Date)]
    pub due_on: Option<String>,
    /// When it opened. ‖ 产生时间。
    #[schema(format = DateTime)]
    pub opened_at: String,
    /// When it last took a step. ‖ 最近一步的时间。
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// Number of its last step. ‖ 最近一步的序号。
    #[schema(minimum = 1)]
    pub version: u32,
}

/// A mismatch with its history. ‖ 差异及其经过。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Mismatch {
    /// What a list tells of it. ‖ 列表所示的内容。
    #[serde(flatten)]
    pub summary: MismatchSummary,
    /// Version of the record that it differs from, or that corrects it; left out where it may not be told. ‖ 所依据（或更正后）的记录版本；不宜告知时省略。
    #[schema(minimum = 1)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_version: Option<u32>,
    /// Application number; for its parties only. ‖ 办件编号，仅当事方可见。
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_no: Option<String>,
    /// Service item; for its parties only. ‖ 事项编码，仅当事方可见。
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_code: Option<String>,
    /// What the agency proposes while it is disputed; for its parties only. ‖ 争议期间提出的更正，仅当事方可见。
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal: Option<CorrectionProposal>,
    /// How it ended. ‖ 办结方式。
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<MismatchResolution>,
    /// Its steps, oldest first. ‖ 各步骤，由早到晚。
    pub history: Vec<MismatchStep>,
    /// Where its correction or the accepted values went. ‖ 更正或获准值的投递情况。
    pub deliveries: Vec<DeliveryState>,
}

/// What the record should hold. ‖ 记录应有的内容。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CorrectionProposal {
    /// Value by field. ‖ 字段到值。
    pub fields: RecordFields,
    /// References to evidence. ‖ 佐证材料。
    pub evidence: Vec<String>,
}

/// One step. ‖ 一个步骤。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct MismatchStep {
    /// Its number. ‖ 序号。
    #[schema(minimum = 1)]
    pub seq: u32,
    /// Time. ‖ 时间。
    #[schema(format = DateTime)]
    pub at: String,
    /// Action. ‖ 动作。
    #[schema(example = "propose_correction")]
    pub action: String,
    /// State after it. ‖ 之后的状态。
    pub state: MismatchState,
    /// Acting party. ‖ 由谁。
    pub by_role: StepRole,
    /// Client or clerk that did it; for its parties only. ‖ 经办方，仅当事方可见。
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Reason; for its parties only. ‖ 理由，仅当事方可见。
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// State of one delivery. ‖ 一次投递的状态。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DeliveryState {
    /// Identifier; the `webhook-id`. ‖ 编号，即 `webhook-id`。
    pub id: String,
    /// Current state. ‖ 状态。
    pub state: DeliveryStateWord,
    /// Attempts made. ‖ 已试次数。
    #[schema(minimum = 0)]
    pub attempts: u32,
}

/// What to do about a mismatch. ‖ 对差异的处理。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MismatchAction {
    /// `accept_record`, `propose_correction` and `report_false_claim` are the agency's; `approve` and `reject` the authority's; `reopen` and `close` either's. ‖ `accept_record`、`propose_correction`、`report_false_claim` 由办理机构；`approve`、`reject` 由数据源部门；`reopen`、`close` 双方均可。
    pub action: MismatchActionWord,
    /// With `propose_correction`: the values that the record should hold. With `approve`: values instead of the proposed ones. ‖ `propose_correction` 时为记录应有的值；`approve` 时可改用其他值。
    #[serde(default)]
    pub fields: RecordFields,
    /// With `propose_correction`: references to evidence. ‖ `propose_correction` 时的佐证材料。
    #[schema(max_items = 32)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Vec<String>>,
    /// Reason; required for `reject`, `reopen` and `close`. ‖ 理由；`reject`、`reopen`、`close` 必填。
    #[schema(max_length = 2048)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A new subscription. ‖ 新订阅。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSubscription {
    /// Where to push; must be among the targets that the operator listed. ‖ 推送地址，须在运维登记的范围内。
    #[schema(min_length = 1, max_length = 2048, example = "https://hub-in.hrss.example/heyan")]
    pub url: String,
    /// Kinds of events, or `*`. ‖ 事件种类，或 `*`。
    #[schema(min_items = 1, max_items = 64, example = json!(["record.changed", "mismatch"]))]
    pub events: Vec<String>,
    /// Datasets; none: every one. ‖ 数据资源；为空则全部。
    #[schema(max_items = 64, example = json!(["natural-person"]))]
    #[serde(default)]
    pub datasets: Vec<String>,
    /// End time. ‖ 截止时间。
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Whether a newer version of a record makes an undelivered older one needless. ‖ 记录有新版本时，未送达的旧版本是否不必再送。
    #[serde(default)]
    pub supersedes: bool,
}

/// A subscription. ‖ 订阅。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Subscription {
    /// Identifier. ‖ 编号。
    #[schema(example = "sub_01KB2Q0000000000000000002A")]
    pub id: String,
    /// Its agency. ‖ 所属机构。
    #[schema(example = "wuhu-hrss")]
    pub agency: String,
    /// Where it is pushed to. ‖ 推送地址。
    pub url: String,
    /// Kinds of events. ‖ 事件种类。
    pub events: Vec<String>,
    /// Datasets. ‖ 数据资源。
    pub datasets: Vec<String>,
    /// End time. ‖ 截止时间。
    #[schema(required = true, format = DateTime)]
    pub until: Option<String>,
    /// Whether newer versions make undelivered older ones needless. ‖ 新版本是否取代未送达的旧版本。
    pub supersedes: bool,
    /// `gone` after the receiver answered 410. ‖ 接收方答 410 后为 `gone`。
    pub state: SubscriptionState,
    /// Key of `v1a` signatures; null where the hub makes none. ‖ `v1a` 签名的公钥；系统不作此签名时为空。
    #[schema(required = true, example = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")]
    pub public_key: Option<String>,
    /// When it was added. ‖ 新增时间。
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was last changed. ‖ 最后变更时间。
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// Members that are shown once. ‖ 只显示一次的内容。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionSecret {
    /// Signing secret of Standard Webhooks; keep it, it is never shown again. ‖ Standard Webhooks 签名密钥，请妥善保存，不再显示。
    #[schema(example = "whsec_RVhBTVBMRS1PTkxZLTAwMDAwMDAwMDAwMDAwMDAwMA==")]
    pub secret: String,
    /// When the previous secret stops signing. ‖ 旧密钥在此之前同时签名。
    #[schema(required = true, format = DateTime)]
    pub previous_valid_until: Option<String>,
}

/// A subscription with its secret. ‖ 订阅及其密钥。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionWithSecret {
    /// As it is told everywhere.
    #[serde(flatten)]
    pub subscription: Subscription,
    /// What is told beside it.
    #[serde(flatten)]
    pub secret: SubscriptionSecret,
}

/// Subscriptions. ‖ 订阅列表。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Subscriptions {
    /// In the order of their ids. ‖ 按编号排序。
    pub subscriptions: Vec<Subscription>,
}

/// A test that is on its way. ‖ 已发出的测试。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TestDelivery {
    /// The delivery; look at it with `GET /v1/deliveries`. ‖ 投递编号，用 `GET /v1/deliveries` 查看结果。
    #[schema(example = "dlv_01KB2Q0000000000000000002A")]
    pub delivery: String,
}

/// One page of deliveries. ‖ 一页投递。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Deliveries {
    /// Oldest first. ‖ 由早到晚。
    pub deliveries: Vec<Delivery>,
    /// Cursor of the next page; null on the last page. ‖ 下一页游标，末页为空。
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// A delivery: one event to one target. ‖ 一次投递：一个事件到一个目标。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// Identifier; the `webhook-id` of every attempt. ‖ 编号，即每次尝试的 `webhook-id`。
    #[schema(example = "dlv_01KB2Q0000000000000000002A")]
    pub id: String,
    /// A subscription, or `sink:` and the name of a connector. ‖ 订阅编号，或 `sink:` 加连接器名。
    pub target: String,
    /// Current state. ‖ 状态。
    pub state: DeliveryStateWord,
    /// Why it is sent: `answered` from an older version, `subscribed`, `addressed` to this agency, a `sink`, a `test`. ‖ 投递原因：曾据旧版本答复、订阅、专送本机构、推送目标、测试。
    pub reason: DeliveryReason,
    /// Attempts made. ‖ 已试次数。
    #[schema(minimum = 0)]
    pub attempts: u32,
    /// When it is tried next. ‖ 下次尝试时间。
    #[schema(required = true, format = DateTime)]
    pub next_at: Option<String>,
    /// How the last attempt ended. ‖ 最近一次尝试的结果。
    #[schema(required = true, example = "timeout")]
    pub last_result: Option<String>,
    /// HTTP status of the last attempt. ‖ 最近一次尝试的 HTTP 状态。
    #[schema(required = true)]
    pub last_status: Option<u16>,
    /// The event. ‖ 事件。
    pub event: DeliveredEvent,
    /// When it was made. ‖ 产生时间。
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was last tried or changed. ‖ 最近变更时间。
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// The event of a delivery, without its values. ‖ 投递的事件，不含值。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DeliveredEvent {
    /// Identifier. ‖ 编号。
    pub id: String,
    /// CloudEvents type. ‖ CloudEvents 类型。
    #[schema(example = "heyan.record.changed.v1")]
    pub r#type: String,
    /// Dataset. ‖ 数据资源。
    #[schema(required = true)]
    pub dataset: Option<String>,
    /// Version of the record. ‖ 记录版本。
    #[schema(required = true)]
    pub version: Option<u32>,
    /// Mismatch that it is about. ‖ 相关差异。
    #[schema(required = true)]
    pub mismatch: Option<String>,
    /// When it happened. ‖ 发生时间。
    #[schema(format = DateTime)]
    pub at: String,
}

/// Which dead deliveries to try again. ‖ 重投哪些死信。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayRange {
    /// To this target alone. ‖ 仅此目标。
    #[schema(max_length = 256)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Made at this time or later. ‖ 此时起产生的。
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Made before this time. ‖ 此时前产生的。
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// How many are tried again. ‖ 重投的数量。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Replayed {
    /// Deliveries. ‖ 投递数。
    #[schema(minimum = 0)]
    pub replayed: u64,
}

/// Subject whose guess budget is to be unlocked, and the reason. ‖ 解除哪个对象的限制及理由。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnlockRequest {
    /// Dataset. ‖ 数据资源。
    #[schema(max_length = 4096, example = "natural-person")]
    pub dataset: String,
    /// Identifiers of the subject. ‖ 核验对象的标识。
    pub subject: Subject,
    /// Reason. ‖ 理由。
    #[schema(min_length = 1, max_length = 4096)]
    pub reason: String,
}

/// Result. ‖ 办理结果。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Unlocked {
    /// `requested` or `unlocked`. ‖ `requested` 或 `unlocked`。
    pub state: UnlockState,
}

/// The mismatch that an answer opened or belongs to. ‖ 答复产生或所属的差异。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct MismatchNote {
    /// Identifier. ‖ 编号。
    #[schema(example = "mis_01KB2Q0000000000000000002A")]
    pub id: String,
    /// Deadline for the party that must act next. ‖ 轮到一方的办理期限。
    #[schema(required = true, format = Date)]
    pub due_on: Option<String>,
}

words! {
    /// State of a mismatch. ‖ 差异的状态。
    MismatchState;
    /// How a mismatch ended. ‖ 差异的办结方式。
    MismatchResolution;
    /// Party of a step. ‖ 步骤的当事方。
    StepRole;
    /// State of a delivery. ‖ 投递的状态。
    DeliveryStateWord;
    /// An action. ‖ 动作。
    MismatchActionWord;
    /// State of a subscription. ‖ 订阅的状态。
    SubscriptionState;
    /// Why a delivery is made. ‖ 投递原因。
    DeliveryReason;
    /// State of a request to unlock. ‖ 解除申请的状态。
    UnlockState;
}
