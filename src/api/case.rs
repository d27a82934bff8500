//! Wire types of `/v1/cases`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Purpose, Subject, Verification};

/// A new joint case. ‖ 新联办件。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCase {
    /// Purpose of the lead; it applies to every check of the case. ‖ 牵头机构的使用事由，联办件中的核验均据此。
    pub purpose: Purpose,
    /// Co-handling agencies. ‖ 协办机构。
    #[schema(min_items = 1, max_items = 16)]
    pub co_handlers: Vec<CoHandler>,
    /// How long its checks may be used again, hours; the operator sets the maximum. ‖ 可复用的时长，单位小时，上限由运维设定。
    #[schema(minimum = 1, example = 72)]
    pub valid_hours: u32,
}

/// An agency that handles a case with its lead. ‖ 协办机构。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CoHandler {
    /// The agency. ‖ 机构标识。
    #[schema(min_length = 1, max_length = 4096, example = "wuhu-market")]
    pub agency: String,
    /// The service item that it handles. ‖ 其办理的事项编码。
    #[schema(min_length = 1, max_length = 128, example = "11340200003010677X3442199806003")]
    pub item_code: String,
    /// References of the checks that it may use; all checks if left out. ‖ 可复用的核验编号 `ref`；省略为全部。
    #[schema(max_items = 64)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refs: Option<Vec<String>>,
}

/// A joint case as one of its parties sees it. ‖ 当事机构所见的联办件。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Case {
    /// Identifier. ‖ 编号。
    #[schema(example = "cas_01KB2Q0000000000000000002A")]
    pub id: String,
    /// The agency that leads. ‖ 牵头机构。
    #[schema(example = "wuhu-hrss")]
    pub lead: String,
    /// Current state. ‖ 状态。
    pub state: CaseState,
    /// When its checks can no longer be reused. ‖ 可复用至何时。
    #[schema(format = DateTime)]
    pub valid_until: String,
    /// The lead's service item. ‖ 牵头机构的事项编码。
    pub item_code: String,
    /// The lead's application number; null for the others. ‖ 牵头机构的办件编号；对其他机构为空。
    #[schema(required = true)]
    pub application_no: Option<String>,
    /// Co-handling agencies. ‖ 协办机构。
    pub co_handlers: Vec<CoHandler>,
    /// Its checks, as far as the reader may use them; empty in a list. ‖ 各项核验，限读者可用的；列表中为空。
    pub checks: Vec<CaseCheck>,
    /// When it was opened. ‖ 发起时间。
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// A check of a case, without its verdicts. ‖ 联办件中的一项核验，不含结论。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CaseCheck {
    /// Its number. ‖ 序号。
    #[schema(minimum = 1, example = 1)]
    pub number: u32,
    /// The lead's reference. ‖ 牵头机构所定的编号。
    #[schema(example = "identity")]
    #[serde(rename = "ref")]
    pub reference: String,
    /// Dataset. ‖ 数据资源。
    #[schema(example = "natural-person")]
    pub dataset: String,
    /// Fields that were asked about. ‖ 所核验的字段。
    pub fields: Vec<String>,
    /// Time. ‖ 时间。
    #[schema(format = DateTime)]
    pub at: String,
    /// The lead's verification; null for the others. ‖ 牵头机构的核验编号；对其他机构为空。
    #[schema(required = true)]
    pub verification: Option<String>,
}

/// One page of cases. ‖ 一页联办件。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Cases {
    /// In the order of their ids. ‖ 按编号排序。
    pub cases: Vec<Case>,
    /// Cursor of the next page; null on the last page. ‖ 下一页游标，末页为空。
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// A verification within a case. ‖ 联办件中的核验答复。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CaseCheckAnswer {
    /// The answer. ‖ 核验的答复。
    #[serde(flatten)]
    pub verification: Verification,
    /// Further members. ‖ 另附的内容。
    #[serde(flatten)]
    pub more: CaseCheckNumber,
}

/// The number beside an answer. ‖ 答复所附的序号。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CaseCheckNumber {
    /// Its number in the case. ‖ 在联办件中的序号。
    #[schema(minimum = 1)]
    pub number: u32,
}

/// A check to be used again. ‖ 复用请求。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReuseRequest {
    /// Purpose; its `item_code` is the one that the case names for the agency. ‖ 本机构的使用事由；`item_code` 须为联办件所列。
    pub purpose: Purpose,
    /// Identifiers of the subject. ‖ 核验对象的标识。
    pub subject: Subject,
}

words! {
    /// `open`, `expired` or `closed`. ‖ `open` 办理中，`expired` 已过有效期，`closed` 已结束。
    CaseState;
}
