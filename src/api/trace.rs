//! Wire types of `/v1/traces`.
//! What an entry does not say is null, never left out: a reader sees that it was looked for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Subject, VerdictWord};

/// Subject whose trace is requested, and the reason. ‖ 查询谁的留痕，以及理由。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TraceQuery {
    /// Dataset. ‖ 数据资源。
    #[schema(min_length = 1, example = "natural-person")]
    pub dataset: String,
    /// Identifiers of the subject. ‖ 对象的标识。
    pub subject: Subject,
    /// Why the auditor asks; sealed into the ledger, and shown in later traces. ‖ 审计人员的查询理由；加密写入存证日志，并显示在以后的留痕中。
    #[schema(min_length = 1, max_length = 1024, example = "申请人书面查询，收件号 2026-117")]
    pub reason: String,
    /// Looks at this moment or later. ‖ 此时起（含）。
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Looks before this moment. ‖ 此时止（不含）。
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// `next_cursor` of the page before, as it is. ‖ 上一页的 `next_cursor`，原样带回。
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Rows at most: 1,000 as JSON (100 when left out), 10,000 as NDJSON or CSV. ‖ 至多行数：JSON 为 1000（缺省 100），NDJSON 或 CSV 为 10000。
    #[schema(minimum = 1, maximum = 10000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Who looked, newest first. ‖ 查询留痕，由近及远。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Trace {
    /// Newest first; exactly so within each ledger. ‖ 由近及远；同一存证日志内严格如此。
    pub rows: Vec<TraceRow>,
    /// Cursor of the next page; null on the last page. ‖ 下一页游标，末页为空。
    #[schema(required = true)]
    pub next_cursor: Option<String>,
    /// Ledgers whose entries are missing or incomplete here; empty if the answer is complete. ‖ 缺失或不全的存证日志；为空即为全部。
    pub incomplete: Vec<TraceLack>,
}

/// One look, or one change. ‖ 一次查询或变更。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TraceRow {
    /// Time. ‖ 时间。
    #[schema(format = DateTime)]
    pub at: String,
    /// Agency; null: the bureau's own people. ‖ 机构；管理方人员为空。
    #[schema(required = true, example = "wuhu-hrss")]
    pub agency: Option<String>,
    /// Its name. ‖ 机构名称。
    #[schema(required = true)]
    pub agency_name: Option<String>,
    /// Service item. ‖ 事项编码。
    #[schema(required = true)]
    pub item_code: Option<String>,
    /// Its name. ‖ 事项名称。
    #[schema(required = true)]
    pub item_name: Option<String>,
    /// Application number. ‖ 办件编号。
    #[schema(required = true)]
    pub application_no: Option<String>,
    /// The clerk or system that asked, or the client that acted. ‖ 经办人或系统，或操作的客户端。
    #[schema(required = true)]
    pub operator: Option<String>,
    /// Reason, as stated. ‖ 当时所述理由。
    #[schema(required = true)]
    pub reason: Option<String>,
    /// `verify`, `verify_many` (batch, stream or item check), `query_record`, `explain`, `query_trace`, `put_records`, `mismatch.` with an action, or `guess_budget.` with a step. ‖ 操作：`verify` 单条核验、`verify_many` 批量、流式或事项核验、`query_record` 查询记录、`explain` 说明、`query_trace` 查留痕、`put_records` 报送、`mismatch.` 加动作、`guess_budget.` 加步骤。
    #[schema(example = "verify")]
    pub operation: String,
    /// Outcome, or the state after the step. ‖ 答复的结论，或之后的状态。
    #[schema(required = true, example = "verified")]
    pub outcome: Option<String>,
    /// Fields that were asked about or shown. ‖ 所问或所示的字段。
    pub fields: Vec<TracedField>,
    /// The verification. ‖ 核验编号。
    #[schema(required = true)]
    pub verification: Option<String>,
    /// The mismatch that the step belongs to. ‖ 步骤所属的差异。
    #[schema(required = true)]
    pub mismatch: Option<String>,
    /// Position of the ledger entry. ‖ 存证条目的位置。
    pub receipt: TracedReceipt,
}

/// A field. ‖ 字段。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TracedField {
    /// Name, or `#` and the number of a revision that is gone. ‖ 名称；旧版规则中的字段为 `#` 加序号。
    pub name: String,
    /// Verdict; null if the value itself was shown. ‖ 答复的结论；为空表示出示了值。
    #[schema(required = true)]
    pub verdict: Option<VerdictWord>,
}

/// Position of a ledger entry. ‖ 存证条目的位置。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TracedReceipt {
    /// Name of the ledger. ‖ 存证日志名称。
    pub origin: String,
    /// Index of the entry. ‖ 条目序号。
    #[schema(minimum = 0)]
    pub index: u64,
}

/// A ledger that is missing or incomplete in this answer. ‖ 缺失或不全的存证日志。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TraceLack {
    /// Name of the ledger. ‖ 存证日志名称。
    pub origin: String,
    /// `silent`: its node does not answer; `behind`: its newest entries are not indexed yet. ‖ `silent` 节点未应答；`behind` 最新条目尚未编入索引。
    pub why: TraceLackWord,
}

/// Last line of an export. ‖ 导出的末行。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TraceEnd {
    /// How much it holds. ‖ 统计。
    pub summary: TraceSummary,
    /// Cursor of the next export; null if this is everything. ‖ 下一次导出的游标；为空即为全部。
    #[schema(required = true)]
    pub next_cursor: Option<String>,
    /// Ledgers whose entries are missing here. ‖ 缺失或不全的存证日志。
    pub incomplete: Vec<TraceLack>,
}

/// How much an export holds. ‖ 导出的统计。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TraceSummary {
    /// Rows. ‖ 行数。
    #[schema(minimum = 0)]
    pub rows: u64,
}

/// A seal on what an agency asked while it investigates: either `application_no`, or `dataset` and `subject`. ‖ 案件调查期间对某机构查询的封存：填 `application_no`，或填 `dataset` 与 `subject`。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSeal {
    /// The application under which it asks. ‖ 其查询所用的办件编号。
    #[schema(min_length = 1, max_length = 4096, example = "办案-2026-031")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_no: Option<String>,
    /// Dataset of the subject. ‖ 对象所在的数据资源。
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Subject of its queries. ‖ 其所查询的对象。
    #[serde(default)]
    pub subject: Subject,
    /// The investigating agency. ‖ 办案机构。
    #[schema(min_length = 1, example = "wuhu-supervision")]
    pub agency: String,
    /// Number of the case. ‖ 案号。
    #[schema(min_length = 1, max_length = 128)]
    pub case_no: String,
    /// Reason; sealed into the ledger. ‖ 理由，加密写入存证日志。
    #[schema(min_length = 1, max_length = 1024)]
    pub reason: String,
    /// End time, at most two years from now. ‖ 截止时间，至多两年。
    #[schema(format = DateTime)]
    pub until: String,
}

/// A seal, as its two auditors see it. ‖ 封存，仅两名设定者可见。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Seal {
    /// Identifier; the first auditor gives it to the second. ‖ 编号，由第一名审计人员告知第二名。
    #[schema(example = "sea_01KB2Q0000000000000000002A")]
    pub id: String,
    /// It holds only while it is `sealed`. ‖ 仅 `sealed` 时生效。
    pub state: SealState,
    /// The investigating agency. ‖ 办案机构。
    pub agency: String,
    /// Number of the case. ‖ 案号。
    pub case_no: String,
    /// End time. ‖ 截止时间。
    #[schema(format = DateTime)]
    pub until: String,
}

/// The caller's seals. ‖ 本人设定或确认的封存。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Seals {
    /// In the order of their ids. ‖ 按编号排序。
    pub seals: Vec<Seal>,
}

/// Confirmation by the second auditor. ‖ 第二名审计人员的确认。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SealConfirmation {
    /// Number of the case, as the first stated it. ‖ 案号，须与第一名所填一致。
    pub case_no: String,
}

/// The end of a seal. ‖ 解除封存。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SealLifting {
    /// Reason. ‖ 理由。
    #[schema(min_length = 1, max_length = 1024)]
    pub reason: String,
}

/// Application whose archive pack is requested, and the reason. ‖ 归档哪个办件，以及理由。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArchiveQuery {
    /// The application. ‖ 办件编号。
    #[schema(min_length = 1, max_length = 128, example = "20261122-000187")]
    pub application_no: String,
    /// Only what this agency asked under it. ‖ 只含该机构的查询。
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agency: Option<String>,
    /// Reason; sealed into the ledger. ‖ 理由，加密写入存证日志。
    #[schema(min_length = 1, max_length = 1024, example = "办结归档")]
    pub reason: String,
}

words! {
    /// Why entries are missing. ‖ 缺失的原因。
    TraceLackWord;
    /// State of a seal. ‖ 封存的状态。
    SealState;
}
