//! Wire types of `/v1/watches`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Claims, FieldVerdicts, Outcome, Purpose, Subject, Verification};

/// A question that is watched after it is answered. ‖ 核验并关注的请求。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WatchRequest {
    /// Name of the dataset. ‖ 数据资源名称。
    #[schema(max_length = 4096, example = "e-licence")]
    pub dataset: String,
    /// Identifiers of the subject. ‖ 核验对象的标识。
    pub subject: Subject,
    /// Claims by field; a date in a condition may be `$today`. ‖ 各字段的申报值或条件；条件中的日期可写 `$today`。
    pub claims: Claims,
    /// Purpose. ‖ 使用事由。
    pub purpose: Purpose,
    /// The last day of the watch, China time. ‖ 关注的最后一日（北京时间）。
    #[schema(max_length = 4096, format = Date, example = "2027-01-31")]
    pub until: String,
}

/// The answer to the question, and its watch. ‖ 核验的答复与关注。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WatchedVerification {
    /// The answer. ‖ 核验的答复。
    #[serde(flatten)]
    pub verification: Verification,
    /// Further members. ‖ 另附的内容。
    #[serde(flatten)]
    pub more: WatchNote,
}

/// The watch beside an answer. ‖ 答复所附的关注。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WatchNote {
    /// The watch. ‖ 关注。
    pub watch: Watch,
}

/// A watch. ‖ 关注。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Watch {
    /// Identifier. ‖ 编号。
    #[schema(example = "wat_01KB2Q0000000000000000002A")]
    pub id: String,
    /// Current state. ‖ 状态。
    pub state: WatchState,
    /// Dataset. ‖ 数据资源。
    #[schema(example = "e-licence")]
    pub dataset: String,
    /// Its last day, China time. ‖ 最后一日（北京时间）。
    #[schema(format = Date)]
    pub until: String,
    /// Application number. ‖ 办件编号。
    pub application_no: String,
    /// Service item. ‖ 事项编码。
    pub item_code: String,
    /// The verification that it began with. ‖ 最初的核验。
    #[schema(example = "ver_01KB2Q0000000000000000002A")]
    pub verification: String,
    /// The outcome that was told last. ‖ 最近告知的总结论。
    pub outcome: Outcome,
    /// The verdicts that were told last. ‖ 最近告知的各字段结论。
    pub fields: FieldVerdicts,
    /// The verification that told it. ‖ 最近一次告知的核验编号。
    pub last_told: String,
    /// Time. ‖ 最近一次告知的时间。
    #[schema(format = DateTime)]
    pub told_at: String,
    /// How often a change was told. ‖ 已告知改变的次数。
    #[schema(minimum = 0)]
    pub notices: u32,
    /// Subscriptions that receive its notices; without any, look at the watch itself. ‖ 通过哪些订阅告知；为空则须自行查看。
    pub told_by: Vec<String>,
    /// Why it ended: `until`, `withdrawn`, `grant`, `dataset`; null while it has not. ‖ 终止原因：到期 `until`、撤回 `withdrawn`、授权终止 `grant`、数据资源改变 `dataset`；未终止时为空。
    #[schema(required = true)]
    pub ended: Option<String>,
    /// When it began. ‖ 开始时间。
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// One page of watches. ‖ 一页关注。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Watches {
    /// In the order of their ids. ‖ 按编号排序。
    pub watches: Vec<Watch>,
    /// Cursor of the next page; null on the last page. ‖ 下一页游标，末页为空。
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

words! {
    /// `unchanged`: the verdict is that of the first verification; `changed`: the verdict is different; `ended`: the watch is over. ‖ `unchanged` 与最初的结论相同；`changed` 已改变；`ended` 已终止。
    WatchState;
}
