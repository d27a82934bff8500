//! Wire types of `/v1/datasets` and of records.
//! A record's members are those of its dataset's own JSON Schema, which `GET /v1/datasets/{dataset}` gives.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Problem, Purpose, Subject};

/// The catalogue. ‖ 数据资源目录。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Datasets {
    /// Every dataset. ‖ 全部数据资源。
    pub datasets: Vec<Dataset>,
}

/// One dataset. ‖ 一个数据资源。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Dataset {
    /// Name. ‖ 名称。
    #[schema(example = "natural-person")]
    pub name: String,
    /// Name and revision of the rules. ‖ 规则：名称及版次。
    #[schema(example = "natural-person@2")]
    pub rules: String,
    /// Display name. ‖ 名称（两种语言）。
    pub title: Label,
    /// `unconditional`: any agency may verify; `conditional`: needs a grant; `withheld`: nobody. ‖ `unconditional` 无条件共享；`conditional` 有条件共享；`withheld` 不予共享。
    pub sharing: Sharing,
    /// Why it is withheld. ‖ 不予共享的依据。
    #[schema(required = true)]
    pub legal_basis: Option<String>,
    /// Authority. ‖ 数据源部门。
    pub authority: Authority,
    /// How often the authority updates it, ISO 8601. ‖ 更新周期，ISO 8601。
    #[schema(example = "P1D")]
    pub update_cycle: String,
    /// Age from which a copy counts as stale, seconds. ‖ 副本视为过旧的秒数。
    #[schema(example = 86400)]
    pub freshness_s: u64,
    /// Days in which a later match settles a mismatch. ‖ 不一致可由后续一致自行了结的天数。
    #[schema(example = 30)]
    pub settle_window_days: u32,
    /// Working days in which the authority decides a correction. ‖ 更正申请的办理时限，工作日。
    #[schema(example = 10)]
    pub correction_due_working_days: u32,
    /// Identifiers of a subject. ‖ 核验对象的标识。
    pub subject: Vec<SubjectMember>,
    /// Fields of a record. ‖ 记录的字段。
    pub fields: Vec<DatasetField>,
    /// JSON Schema of a record, with the hub's own `x-heyan` keywords. ‖ 记录的 JSON Schema，含本系统的 `x-heyan` 关键字。
    #[schema(value_type = Object)]
    pub schema: serde_json::Value,
}

/// A text in both languages. ‖ 两种语言的文字。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Label {
    /// Chinese. ‖ 中文。
    #[schema(example = "自然人")]
    pub zh: String,
    /// English. ‖ 英文。
    #[schema(example = "Natural persons")]
    pub en: String,
}

impl From<&heyan_domain::label::BilingualLabel> for Label {
    fn from(label: &heyan_domain::label::BilingualLabel) -> Self {
        Self {
            zh: label.zh.clone(),
            en: label.en.clone(),
        }
    }
}

/// The department answerable for a dataset. ‖ 数据源部门。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Authority {
    /// Its name. ‖ 名称。
    pub name: Label,
    /// Its unified social credit code. ‖ 统一社会信用代码。
    #[schema(example = "11340200003015013K")]
    pub credit_code: String,
}

/// One identifier of a subject. ‖ 核验对象的一个标识。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SubjectMember {
    /// Member name in `subject`. ‖ `subject` 中的成员名。
    #[schema(example = "id_number")]
    pub name: String,
    /// Display name. ‖ 名称。
    pub label: Label,
    /// Longest value, characters. ‖ 最长字符数。
    #[schema(example = 64)]
    pub characters_max: u64,
}

/// One field of a dataset. ‖ 数据资源的一个字段。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DatasetField {
    /// Member name in `fields` and `claims`. ‖ `fields` 与 `claims` 中的成员名。
    #[schema(example = "birth_date")]
    pub name: String,
    /// Display name. ‖ 名称。
    pub label: Label,
    /// How a claim is compared. ‖ 比对方法。
    pub comparator: Comparator,
    /// Longest value, characters. ‖ 最长字符数。
    #[schema(example = 64)]
    pub characters_max: u64,
}

/// A record to be stored. ‖ 报送的记录。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Identifiers, as the dataset's schema names them. ‖ 标识，按数据资源的规范。
    pub subject: Subject,
    /// Values, as the dataset's schema names them. ‖ 字段值，按数据资源的规范。
    pub fields: RecordFields,
    /// The authority's own version; one that is not newer than what is stored is ignored. ‖ 数据源自己的版本号；不高于库中版本的予以忽略。
    #[schema(minimum = 0, maximum = 9007199254740991_i64, example = 7)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_version: Option<u64>,
    /// When the values took effect. ‖ 数据生效时间。
    #[schema(format = DateTime, example = "2026-11-20T08:00:00Z")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<String>,
    /// Name of the system that it came from. ‖ 来源系统名称。
    #[schema(max_length = 256, example = "population-register")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// Result for a record. ‖ 报送结果。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RecordStored {
    /// Action. ‖ 处理结果。
    pub status: Ingested,
    /// Version that is current now. ‖ 当前版本。
    #[schema(minimum = 1, example = 7)]
    pub version: u32,
    /// Position of the ledger entry. ‖ 存证位置。
    pub receipt: RecordsReceipt,
}

/// Position of the ledger entry of a contribution; `null` if no record was accepted. ‖ 报送的存证位置；没有合格记录时为 `null`。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RecordsReceipt {
    /// Name of the ledger. ‖ 存证日志名称。
    #[schema(example = "hub-1.heyan.local")]
    pub origin: String,
    /// Index of the entry. ‖ 条目序号。
    #[schema(required = true, example = 1234)]
    pub index: Option<u64>,
    /// SHA-256 leaf hash of the entry, base64. ‖ 条目的 SHA-256 叶哈希，base64。
    #[schema(required = true, example = "l0vUHh1bVZ1ZxZ3qQ1kX1yXbq2s0aZ5mPp1m7mFZ0uI=")]
    pub leaf: Option<String>,
}

/// Answer to one line. ‖ 对一行的答复。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RecordLine {
    /// Line number, from 1. ‖ 行号，自 1 起。
    #[schema(minimum = 1)]
    pub line: u64,
    /// Action. ‖ 处理结果。
    pub status: Ingested,
    /// Version that is current now. ‖ 当前版本。
    #[schema(minimum = 1)]
    pub version: u32,
}

/// Answer to a line that was refused. ‖ 对被拒一行的答复。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RecordLineProblem {
    /// Line number, from 1. ‖ 行号，自 1 起。
    #[schema(minimum = 1)]
    pub line: u64,
    /// Reason. ‖ 原因。
    pub problem: Problem,
}

/// Last line of the answers. ‖ 答复的末行。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RecordsEnd {
    /// How many of each; words that did not occur are left out. ‖ 各类结果的行数，未出现的不列。
    pub summary: RecordsSummary,
    /// The last ledger entry; `null` if no record was accepted. ‖ 最后一条存证；没有合格记录时为 `null`。
    #[schema(required = true)]
    pub receipt: Option<RecordsReceipt>,
}

/// Counts of a contribution. ‖ 报送的统计。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RecordsSummary {
    /// First versions. ‖ 新建的行数。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<u64>,
    /// New versions. ‖ 更新的行数。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<u64>,
    /// Same values. ‖ 未变的行数。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unchanged: Option<u64>,
    /// Not newer. ‖ 忽略的行数。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignored: Option<u64>,
    /// Refused. ‖ 被拒的行数。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected: Option<u64>,
    /// All lines, blank ones too. ‖ 总行数，含空行。
    pub lines: u64,
}

/// Which record is to be read, and why. ‖ 查询哪条记录以及事由。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordQuery {
    /// Identifiers of the subject. ‖ 查询对象的标识。
    pub subject: Subject,
    /// Purpose. ‖ 使用事由。
    pub purpose: Purpose,
}

/// A record as the reader may see it. ‖ 可见范围内的记录。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RecordRead {
    /// Version and time. ‖ 版本与时间。
    pub record: RecordVersion,
    /// Permitted fields, masked where the dataset says so. ‖ 获准的字段，按规定脱敏。
    pub fields: RecordFields,
    /// Dataset and revision. ‖ 数据资源及其版次。
    #[schema(example = "natural-person@2")]
    pub rules: String,
}

/// Version of a record. ‖ 记录版本。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RecordVersion {
    /// Its number. ‖ 版本号。
    #[schema(minimum = 1, example = 7)]
    pub version: u32,
    /// When the hub received it. ‖ 本系统收到的时间。
    #[schema(format = DateTime, example = "2026-11-20T08:00:00Z")]
    pub as_of: String,
}

maps! {
    /// Value by field name. ‖ 字段名到值。
    RecordFields: String;
}

words! {
    /// Sharing class. ‖ 共享类型。
    Sharing;
    /// How a claim is compared. ‖ 比对方法。
    Comparator;
    /// `created`: the first version; `updated`: a new one; `unchanged`: the same values are current; `ignored`: `source_version` is not newer. ‖ `created` 首个版本；`updated` 新版本；`unchanged` 值相同；`ignored` `source_version` 不更新。
    Ingested;
}
