//! Wire types of `/v1/quality`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::BothLanguages;

/// The data-quality ledger, as rows. ‖ 数据质量统计。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Quality {
    /// First day. ‖ 起始日。
    #[schema(format = Date)]
    pub from: String,
    /// Last day. ‖ 截止日。
    #[schema(format = Date)]
    pub until: String,
    /// Period of a row. ‖ 统计周期。
    pub by: QualityBy,
    /// The rows. ‖ 各行。
    #[serde(flatten)]
    pub rows: QualityRows,
}

/// One field in one period. ‖ 一个周期内的一个字段。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct QualityField {
    /// Number of comparisons with a record value. ‖ 与记录值比对的次数。
    #[schema(minimum = 0)]
    pub compared: u64,
    /// Mismatches among them; null when there were none to compare. ‖ 其中不一致的比率；未比对时为空。
    #[schema(required = true, minimum = 0, maximum = 1)]
    pub mismatch_rate: Option<f64>,
    /// Every verdict. ‖ 各结论的次数。
    pub verdicts: QualityCounts,
    /// Bases of matches and reasons of reviews. ‖ 一致的依据与复核的原因。
    pub rules_applied: QualityCounts,
    /// Day or ISO week. ‖ 日或 ISO 周。
    #[schema(example = "2026-W47")]
    pub period: String,
    /// Dataset. ‖ 数据资源。
    #[schema(example = "natural-person")]
    pub dataset: String,
    /// Dataset and revision that decided. ‖ 规则版次。
    #[schema(example = "natural-person@1")]
    pub rules: String,
    /// The field; `#n` in a revision that is not in force. ‖ 字段；非现行版次以 `#n` 表示。
    #[schema(example = "name")]
    pub field: String,
    /// How it is compared. ‖ 比对方法。
    #[schema(example = "person_name")]
    pub comparator: String,
}

/// Answers about one dataset in one period. ‖ 一个周期内一个数据资源的答复。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct QualityAnswers {
    /// Day or ISO week. ‖ 日或 ISO 周。
    pub period: String,
    /// Dataset. ‖ 数据资源。
    pub dataset: String,
    /// How many. ‖ 答复数。
    #[schema(minimum = 0)]
    pub answers: u64,
    /// By outcome. ‖ 按总结论。
    pub outcomes: QualityCounts,
}

/// Progress of the mismatches of one field in one period. ‖ 一个周期内一个字段差异的处理。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct QualityMismatches {
    /// Day or ISO week. ‖ 日或 ISO 周。
    pub period: String,
    /// Dataset. ‖ 数据资源。
    pub dataset: String,
    /// Field. ‖ 字段。
    pub field: String,
    /// Opened. ‖ 新增。
    pub opened: u64,
    /// Settled by a later match. ‖ 后来一致而消除。
    pub settled: u64,
    /// The agency took the record's value. ‖ 以记录为准。
    pub accepted: u64,
    /// A correction was proposed. ‖ 提出更正。
    pub proposed: u64,
    /// The correction was approved. ‖ 准予更正。
    pub corrected: u64,
    /// The record was upheld. ‖ 维持原记录。
    pub upheld: u64,
    /// Reported as false claims. ‖ 报告为虚假申报。
    pub false_claims: u64,
    /// Closed otherwise. ‖ 以其他方式办结。
    pub closed: u64,
    /// Days from a proposal to its decision, on average; null when nothing was decided. ‖ 从提出到决定的平均天数；未决定时为空。
    #[schema(required = true, minimum = 0)]
    pub mean_days_to_decide: Option<f64>,
}

/// A week of one authority. ‖ 一个数据源部门的一周。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct QualityReport {
    /// The authority. ‖ 数据源部门。
    pub authority: QualityAuthority,
    /// The ISO week. ‖ ISO 周。
    #[schema(example = "2026-W47")]
    pub week: String,
    /// Its Monday. ‖ 周一。
    #[schema(format = Date)]
    pub from: String,
    /// Its Sunday. ‖ 周日。
    #[schema(format = Date)]
    pub until: String,
    /// Its datasets. ‖ 其数据资源。
    pub datasets: Vec<String>,
    /// The rows. ‖ 各行。
    #[serde(flatten)]
    pub rows: QualityRows,
    /// The week before. ‖ 上一周。
    pub before: QualityRows,
    /// The same as text for people, Markdown. ‖ 供人阅读的 Markdown 文本。
    pub markdown: BothLanguages,
}

/// An authority. ‖ 数据源部门。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct QualityAuthority {
    /// Its id. ‖ 机构标识。
    #[schema(example = "wuhu-police")]
    pub id: String,
    /// Its name. ‖ 名称。
    pub name: String,
}

/// Rows of a period. ‖ 一段时间的各行。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct QualityRows {
    /// Verdicts by field. ‖ 各字段的结论。
    pub fields: Vec<QualityField>,
    /// Outcomes of whole answers. ‖ 整体结论。
    pub answers: Vec<QualityAnswers>,
    /// Progress of mismatches. ‖ 差异的处理。
    pub mismatches: Vec<QualityMismatches>,
}

maps! {
    /// Number by word. ‖ 词到次数。
    QualityCounts: u64;
}

words! {
    /// `day` or `week`. ‖ 日或周。
    QualityBy;
}
