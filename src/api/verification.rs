//! Wire types of `/v1/verifications`.
//! Limits of texts are bytes of UTF-8: `maxLength` is exact for ASCII only.

use heyan_domain::verdict::Verdict;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::MismatchNote;

/// A question about one record. ‖ 对一条记录的核验请求。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerificationRequest {
    /// Name of the dataset. ‖ 数据资源名称。
    #[schema(max_length = 4096, example = "natural-person")]
    pub dataset: String,
    /// Identifiers of the subject, as the dataset names them. ‖ 核验对象的标识，成员名由数据资源规定。
    pub subject: Subject,
    /// Claims by field. ‖ 各字段的申报值或条件。
    pub claims: Claims,
    /// Purpose. ‖ 使用事由。
    pub purpose: Purpose,
    /// Maximum age of a copy, seconds; an older copy is fetched again. ‖ 可接受的副本最长秒数，更旧则重新读取。
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age_s: Option<u64>,
}

/// The claimed value, or a condition that discloses no value. ‖ 申报值，或不披露具体值的条件。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Claim {
    /// The claimed value.
    Value(String),
    /// A condition.
    Predicate(Predicate),
}

/// A condition on one field. ‖ 对一个字段的条件。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Predicate {
    /// Operation: dates take `on_or_before` and `on_or_after`, amounts `at_least` and `at_most`, places and numbers `within` (a division), holders and owners `one_of_holders`. ‖ 条件种类：日期用 `on_or_before`、`on_or_after`，数额用 `at_least`、`at_most`，地址与号码用 `within`（行政区划），持证人与权利人用 `one_of_holders`。
    pub op: PredicateOp,
    /// One value; up to 64 for `one_of` and `within`. ‖ 一个值；`one_of` 与 `within` 至多 64 个。
    pub value: PredicateValue,
}

/// Operands of a condition. ‖ 条件的取值。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum PredicateValue {
    /// One value.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// Purpose; sealed into the ledger entry. ‖ 使用事由，加密后写入存证日志。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// Code of the service item. ‖ 政务服务事项编码。
    #[schema(min_length = 1, max_length = 128, example = "11340200003010677X3442199806003")]
    pub item_code: String,
    /// Name of the service item. ‖ 政务服务事项名称。
    #[schema(max_length = 1024, example = "灵活就业人员参保登记")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_name: Option<String>,
    /// Application number at the agency. ‖ 办件编号。
    #[schema(min_length = 1, max_length = 128, example = "20261122-000187")]
    pub application_no: String,
    /// Clerk or system that asks. ‖ 经办人或业务系统。
    #[schema(min_length = 1, max_length = 128, example = "window-03")]
    pub operator: String,
    /// Anything else. ‖ 补充说明。
    #[schema(max_length = 1024)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The answer to one question. ‖ 一条核验的答复。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Verification {
    /// Identifier of the verification. ‖ 核验编号。
    #[schema(example = "ver_01KB2Q0000000000000000002A")]
    pub id: String,
    /// Overall outcome. ‖ 总结论。
    pub outcome: Outcome,
    /// Verdict by field, in the order of the claims; empty when `outcome` is `not_found`. ‖ 各字段结论，次序同申报；`outcome` 为 `not_found` 时为空。
    pub fields: FieldVerdicts,
    /// The record that it rests on; left out where it would tell that a record exists. ‖ 所依据的记录；可能泄露“有无此记录”时不出现。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordNote>,
    /// Findings about the identifiers; they never refuse the request. ‖ 对标识的提示，不影响核验。
    pub findings: Vec<Finding>,
    /// The mismatch that it opened or belongs to, when it is mismatched. ‖ 不一致时产生或所属的差异。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mismatch: Option<MismatchNote>,
    /// Position of its ledger entry. ‖ 存证位置。
    pub receipt: EntryNote,
    /// Dataset and revision that decided. ‖ 所用规则：数据资源及其版次。
    #[schema(example = "natural-person@2")]
    pub rules: String,
}

/// The verdict on one field. ‖ 一个字段的结论。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FieldVerdict {
    /// The verdict. ‖ 结论。
    pub verdict: VerdictWord,
    /// Why it is a match. ‖ 一致的依据。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    /// Reason for review. ‖ 须复核的原因。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReviewReason>,
    /// An agency disputes this field, and the authority has not decided yet. ‖ 有机构认为记录此处有误，数据源部门尚未决定。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disputed: Option<bool>,
}

impl From<Verdict> for FieldVerdict {
    fn from(verdict: Verdict) -> Self {
        Self {
            verdict: verdict.as_str().into(),
            basis: verdict.basis().map(Into::into),
            reason: verdict.reason().map(Into::into),
            disputed: None,
        }
    }
}

/// The record that an answer rests on. ‖ 答复所依据的记录。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RecordNote {
    /// Its version; 0: the register only said yes or no, and the hub holds no copy. ‖ 记录版本；0 表示数据源只答是否一致，本系统不存记录。
    #[schema(example = 7)]
    pub version: u32,
    /// When the hub received this version. ‖ 本系统收到该版本的时间。
    #[schema(format = DateTime, example = "2026-11-20T08:00:00Z")]
    pub as_of: String,
    /// `cached`: from memory; `fetched`: read for this call; `stale`: an older copy, because the source could not be asked. ‖ `cached` 取自内存；`fetched` 为本次读取；`stale` 为权威数据源无法查询时的旧副本。
    pub freshness: Freshness,
    /// Age of a stale copy, seconds; with `stale` only. ‖ 旧副本的时长，单位秒；仅随 `stale` 出现。
    #[schema(minimum = 0, example = 3600)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_s: Option<u64>,
}

/// Position of a ledger entry. ‖ 存证条目的位置。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EntryNote {
    /// Name of the ledger. ‖ 存证日志名称。
    #[schema(example = "hub-1.heyan.local")]
    pub origin: String,
    /// Index of the entry. ‖ 条目序号。
    #[schema(example = 1234)]
    pub index: u64,
    /// SHA-256 leaf hash of the entry (RFC 6962), base64. ‖ 条目的 SHA-256 叶哈希（RFC 6962），base64。
    #[schema(
        min_length = 44,
        max_length = 44,
        example = "l0vUHh1bVZ1ZxZ3qQ1kX1yXbq2s0aZ5mPp1m7mFZ0uI="
    )]
    pub leaf: String,
}

/// Many questions with one purpose. ‖ 同一事由的多条核验。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// Purpose. ‖ 使用事由。
    pub purpose: Purpose,
    /// The questions. One that is wrong gets a problem of its own; the others are answered. ‖ 各条核验。有错的一条单独给出问题，其余照常答复。
    #[schema(min_items = 1, max_items = 1000)]
    pub items: Vec<BatchItem>,
}

/// A question; anything else is answered by a problem in its place. ‖ 一条核验；其他内容以问题文档答复。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum BatchItem {
    /// A question.
    Item(Item),
    /// Anything else.
    Other(serde_json::Value),
}

/// One item of a batch, or one line of a stream. ‖ 批量中的一条，或流中的一行。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The caller's reference, echoed. ‖ 调用方自定的编号，原样返回。
    #[schema(max_length = 4096, example = "row-1")]
    #[serde(rename = "ref")]
    pub reference: String,
    /// Name of the dataset; a stream may state it once in its first line. ‖ 数据资源名称；流可以只在首行写一次。
    #[schema(max_length = 4096, example = "natural-person")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Identifiers of the subject. ‖ 核验对象的标识。
    pub subject: Subject,
    /// Claims by field. ‖ 各字段的申报值或条件。
    pub claims: Claims,
    /// Maximum age of a copy, seconds. ‖ 可接受的副本最长秒数。
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age_s: Option<u64>,
}

/// Answers in the order of the items, under one ledger entry. ‖ 按请求次序的答复，共用一条存证。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Batch {
    /// One for each item. ‖ 与各条一一对应。
    pub results: Vec<ItemResult>,
    /// Position of the ledger entry. ‖ 存证位置。
    pub receipt: EntryNote,
}

/// Result for one item. ‖ 一条的结果。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ItemResult {
    /// Answered.
    Answer(ItemAnswer),
    /// Not answered.
    Problem(ItemProblem),
}

/// An item that was answered. ‖ 已答复的一条。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ItemAnswer {
    /// The caller's reference. ‖ 调用方自定的编号。
    #[schema(example = "row-1")]
    #[serde(rename = "ref")]
    pub reference: String,
    /// Identifier of the verification: that of the entry, and the position in it. ‖ 核验编号：存证编号加其中的位置。
    #[schema(example = "ver_01KB2Q0000000000000000002A-0")]
    pub id: String,
    /// Overall outcome. ‖ 总结论。
    pub outcome: Outcome,
    /// Verdict by field. ‖ 各字段结论。
    pub fields: FieldVerdicts,
    /// The record that it rests on. ‖ 所依据的记录。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordNote>,
    /// Findings about the identifiers. ‖ 对标识的提示。
    pub findings: Vec<Finding>,
    /// The mismatch that it opened or belongs to, when it is mismatched. ‖ 不一致时产生或所属的差异。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mismatch: Option<MismatchNote>,
    /// Dataset and revision that decided. ‖ 所用规则。
    #[schema(example = "natural-person@2")]
    pub rules: String,
}

/// An item that could not be answered. ‖ 未能答复的一条。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ItemProblem {
    /// The caller's reference, if it could be read. ‖ 调用方自定的编号，能读出时返回。
    #[schema(nullable = false, example = "row-2")]
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Reason. ‖ 原因。
    pub problem: Problem,
}

use super::Problem;

/// First line of a stream. ‖ 流的首行。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamHeader {
    /// Purpose. ‖ 使用事由。
    pub purpose: Purpose,
    /// Dataset of the lines that name none. ‖ 未写明数据资源的各行所用的数据资源。
    #[schema(max_length = 4096, example = "natural-person")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
}

/// Last line of the answers. ‖ 答复的末行。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct StreamEnd {
    /// How many of each. ‖ 各类结果的条数。
    pub summary: StreamSummary,
    /// The last ledger entry. ‖ 最后一条存证。
    pub receipt: EntryNote,
}

/// Counts of a stream. ‖ 流的统计。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct StreamSummary {
    /// Items that were verified. ‖ 全部一致的条数。
    pub verified: u64,
    /// Items with a mismatch. ‖ 不一致的条数。
    pub mismatched: u64,
    /// Items that a person must look at. ‖ 须复核的条数。
    pub review: u64,
    /// Items that could not be judged in full. ‖ 未能完整判断的条数。
    pub incomplete: u64,
    /// Items without a record. ‖ 库中无此号的条数。
    pub not_found: u64,
    /// Items with a problem. ‖ 出错的条数。
    pub problems: u64,
    /// All items. ‖ 总条数。
    pub items: u64,
}

/// Why a verification was answered as it was. ‖ 一次核验为何如此答复。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// The verification. ‖ 核验编号。
    #[schema(example = "ver_01KB2Q0000000000000000002A")]
    pub id: String,
    /// When it was answered. ‖ 答复时间。
    #[schema(format = DateTime, example = "2026-11-22T03:04:05Z")]
    pub at: String,
    /// What was answered. ‖ 当时的总结论。
    pub outcome: Outcome,
    /// Dataset and revision that decided. ‖ 当时所用规则。
    #[schema(example = "natural-person@2")]
    pub rules: String,
    /// Version of the record; `null`: there was none. ‖ 当时的记录版本；`null` 表示无记录。
    #[schema(required = true, minimum = 1, example = 7)]
    pub record_version: Option<u32>,
    /// By field. ‖ 各字段。
    pub fields: ExplainedFields,
}

/// One field explained. ‖ 一个字段的说明。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ExplainedField {
    /// The verdict. ‖ 结论。
    pub verdict: VerdictWord,
    /// Why it was a match. ‖ 一致的依据。
    #[schema(required = true)]
    pub basis: Option<Basis>,
    /// Reason for review. ‖ 须复核的原因。
    #[schema(required = true)]
    pub reason: Option<ReviewReason>,
    /// Comparator that decided; empty when the rules have changed since. ‖ 所用比对方法；规则已改版时为空。
    #[schema(example = "person_name")]
    pub comparator: String,
    /// The record's value at that version, masked; `null` where the reader may not see it. ‖ 当时版本的记录值（脱敏）；无权查看时为 `null`。
    #[schema(required = true, example = "王*明")]
    pub record_masked: Option<String>,
}

maps! {
    /// Identifier by name, such as `id_number`, `uscc`, `licence_id`, `certificate_no`. ‖ 标识名到标识值，例如 `id_number`、`uscc`、`licence_id`、`certificate_no`。
    Subject: String;
    /// Claim by field name. ‖ 字段名到申报值或条件。
    Claims: Claim;
    /// Verdict by field name. ‖ 字段名到结论。
    FieldVerdicts: FieldVerdict;
    /// Explanation by field name. ‖ 字段名到说明。
    ExplainedFields: ExplainedField;
}

words! {
    /// Kind of condition. ‖ 条件种类。
    PredicateOp;
    /// `verified`: every field matches; `mismatched`: at least one mismatch; `review`: no mismatch, a person must review; `incomplete`: a field could not be judged; `not_found`: no such record; `not_in_force`: every field matches, but the licence does not hold on the day in question. ‖ `verified` 全部一致；`mismatched` 至少一项不一致；`review` 无不一致但须人工复核；`incomplete` 有字段无法判断；`not_found` 库中无此号；`not_in_force` 各项一致，但证照在所问日期不在有效状态。
    Outcome;
    /// `match`: the record agrees; `review`: a person must look; `mismatch`: it disagrees; `absent`: the record holds no value; `not_permitted`: the grant does not cover the field; `unavailable`: the source could not be asked. ‖ `match` 一致；`review` 须复核；`mismatch` 不一致；`absent` 记录无此值；`not_permitted` 授权未覆盖；`unavailable` 数据源未能答复。
    VerdictWord;
    /// `exact`: equal as written; `normalized`: equal but for width, space, case or form; `upgraded`: 15-digit number against 18; `renamed`: a division was renamed; `predicate`: the condition holds. ‖ `exact` 完全相同；`normalized` 除全半角、空格、大小写或写法外相同；`upgraded` 15 位与 18 位号码对应；`renamed` 仅行政区划更名；`predicate` 条件成立。
    Basis;
    /// `variant`: traditional or variant characters; `sentinel`: an open-ended date; `guess_budget`: too many different values were claimed lately; `undivided`: the register said that not all agrees, and not which; `partial`: one side says less and nothing contradicts; `unreadable_record`: the record's value cannot be read; `unreadable_claim`: the claimed value cannot be read. ‖ `variant` 繁体或异体字；`sentinel` “长期”类日期；`guess_budget` 近期申报过过多不同的值；`undivided` 数据源只答整体不一致，未指明哪一项；`partial` 一方所述较少，并无矛盾；`unreadable_record` 登记的值无法识读；`unreadable_claim` 申报的值无法识读。
    ReviewReason;
    /// A note on an identifier. ‖ 对标识的提示。
    Finding;
    /// How the record came to be answered. ‖ 记录的取得方式。
    Freshness;
}
