//! Wire types of supervision: alerts, rules, trials of rules, reported applications.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{BothLanguages, EntryNote};

/// Alerts, newest first. ‖ 警示，由新到旧。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Alerts {
    /// Alerts. ‖ 警示。
    pub alerts: Vec<Alert>,
    /// Cursor of the next page; `null` on the last page. ‖ 下一页的游标；末页为 `null`。
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// An alert: a finding that a person should examine. ‖ 需人查看的情况。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// Identifier. ‖ 编号。
    #[schema(example = "alt_01KB2Q0000000000000000002A")]
    pub id: String,
    /// Which rule raised it. ‖ 触发的规则。
    #[schema(example = "off_hours_bulk")]
    pub rule: String,
    /// Kind of failing. ‖ 类别。
    pub class: AlertClass,
    /// Severity. ‖ 严重程度。
    pub severity: AlertSeverity,
    /// Current state. ‖ 状态。
    pub state: AlertState,
    /// When it was raised. ‖ 发出时间。
    #[schema(format = DateTime)]
    pub at: String,
    /// When it last changed. ‖ 最近变更时间。
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// Dataset. ‖ 数据资源。
    #[schema(required = true)]
    pub dataset: Option<String>,
    /// Pseudonym of the subject. ‖ 对象化名。
    #[schema(required = true)]
    pub record: Option<String>,
    /// Mismatch. ‖ 差异。
    #[schema(required = true)]
    pub mismatch: Option<String>,
    /// Agency. ‖ 机构。
    #[schema(required = true)]
    pub agency: Option<String>,
    /// What was counted, and against what; never a value of a person. `operator` is a keyed hash. ‖ 计数及其比较的基准，绝不含个人信息的值；`operator` 为带密钥的摘要。
    pub facts: AlertFacts,
    /// Ledger entries that show it. ‖ 佐证的存证条数。
    #[schema(minimum = 0)]
    pub entries: u64,
    /// Counts its steps. ‖ 步骤计数。
    #[schema(minimum = 1)]
    pub version: u32,
}

/// Facts of an alert. ‖ 警示的情况。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct AlertFacts(pub serde_json::Value);

/// An alert with its evidence and history. ‖ 警示及其佐证和经过。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WholeAlert {
    /// As it is told everywhere.
    #[serde(flatten)]
    pub alert: Alert,
    /// What is told beside it.
    #[serde(flatten)]
    pub more: AlertMore,
}

/// What one alert shows in addition to a list. ‖ 单条警示在列表之外的内容。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AlertMore {
    /// Title of its rule; omitted if the rule is no longer in the file. ‖ 规则标题；规则已删的省略。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<BothLanguages>,
    /// Remedy. ‖ 处置办法。
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<BothLanguages>,
    /// The operator; for auditors only. ‖ 经办人，仅审计人员可见。
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Entries that show it, at most 32: each has its receipt. ‖ 佐证的存证条目，至多 32 条，均可取回执验证。
    pub evidence: Vec<EntryPlace>,
    /// What was done about it, oldest first. ‖ 处理经过，由旧到新。
    pub history: Vec<AlertStepNote>,
}

/// An entry of a ledger. ‖ 一条存证。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EntryPlace {
    /// Name of the ledger. ‖ 存证日志名称。
    #[schema(example = "hub-1.heyan.local")]
    pub origin: String,
    /// Index in it. ‖ 序号。
    #[schema(minimum = 0, example = 1234)]
    pub index: u64,
}

/// One step of an alert. ‖ 警示的一步。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AlertStepNote {
    /// Its number, from 2. ‖ 序号，从 2 起。
    #[schema(minimum = 2)]
    pub seq: u32,
    /// Time. ‖ 时间。
    #[schema(format = DateTime)]
    pub at: String,
    /// Action. ‖ 动作。
    pub action: AlertActionWord,
    /// State after it. ‖ 之后的状态。
    pub state: AlertState,
    /// Person who acted; for auditors only. ‖ 办理人，仅审计人员可见。
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Reason; for auditors only. ‖ 理由，仅审计人员可见。
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What to do about an alert. ‖ 对警示的处理。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertAction {
    /// `acknowledge` takes it up, `close` ends it, `reopen` takes a closed one up again. ‖ `acknowledge` 受理，`close` 关闭，`reopen` 重新处理。
    pub action: AlertActionWord,
    /// Reason; required for `close` and `reopen`. ‖ 理由；`close`、`reopen` 必填。
    #[schema(max_length = 2048)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The rules in force. ‖ 生效的规则。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SupervisionRules {
    /// In the order of the file. ‖ 按文件次序。
    pub rules: Vec<SupervisionRule>,
    /// SHA-256 of the rules' file, as the ledger has it. ‖ 规则文件的 SHA-256，与存证日志所记一致。
    pub sha256: String,
}

/// A rule. ‖ 规则。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SupervisionRule {
    /// Identifier. ‖ 编号。
    #[schema(example = "off_hours_bulk")]
    pub id: String,
    /// Kind of failing that it watches. ‖ 类别。
    pub class: AlertClass,
    /// Kind of check. ‖ 检查方式。
    #[schema(example = "off_hours")]
    pub kind: String,
    /// `on` raises alerts, `shadow` only counts, `off` does nothing. ‖ `on` 发警示，`shadow` 只计数，`off` 不运行。
    pub mode: RuleMode,
    /// Severity. ‖ 严重程度。
    pub severity: AlertSeverity,
    /// Title. ‖ 标题。
    pub title: BothLanguages,
    /// Remedy. ‖ 处置办法。
    pub remedy: BothLanguages,
    /// Alerts that it has raised. ‖ 已发警示数。
    #[schema(minimum = 0)]
    pub alerts: u64,
    /// What it has found, repeated findings included; `null` while another node watches. ‖ 已发现次数（含重复）；由其他节点监察时为 `null`。
    #[schema(required = true)]
    pub findings: Option<u64>,
    /// Operators, subjects or matters that it had to forget early, because there were too many. ‖ 因数量过多而提前遗忘的对象数。
    #[schema(required = true)]
    pub forgotten: Option<u64>,
}

/// A rule is to be tried over the past. ‖ 用过去的数据试运行一条规则。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleTrial {
    /// How many days back. ‖ 回溯天数。
    #[schema(minimum = 1, maximum = 92, example = 30)]
    pub days: u32,
    /// A rules' file (TOML) that is not in force, to try its rule of this id. ‖ 尚未生效的规则文件（TOML），试其中同编号的规则。
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
}

/// What a rule would have raised. ‖ 试运行结果：会发出哪些警示。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RuleTried {
    /// The rule. ‖ 规则。
    pub rule: String,
    /// The ledger that was read. ‖ 所读的存证日志。
    pub origin: String,
    /// From when on it was counted. ‖ 统计起点。
    #[schema(format = DateTime)]
    pub from: String,
    /// End time. ‖ 统计终点。
    #[schema(format = DateTime)]
    pub until: String,
    /// Entries that were read. ‖ 所读存证条数。
    #[schema(minimum = 0)]
    pub entries: u64,
    /// Alerts. ‖ 警示数。
    #[schema(minimum = 0)]
    pub alerts: u64,
    /// Days that have any. ‖ 有警示的日期。
    pub by_day: Vec<AlertsOfDay>,
    /// The first of them, at most 20. ‖ 最先的警示，至多 20 条。
    pub examples: Vec<AlertExample>,
}

/// Alerts of one day. ‖ 一天的警示数。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AlertsOfDay {
    /// Day in China. ‖ 日期（北京时间）。
    #[schema(format = Date)]
    pub day: String,
    /// Alerts. ‖ 警示数。
    #[schema(minimum = 0)]
    pub alerts: u64,
}

/// An alert that would have been raised. ‖ 会发出的警示。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AlertExample {
    /// When it was last found. ‖ 最后发现时间。
    #[schema(format = DateTime)]
    pub at: String,
    /// Agency. ‖ 机构。
    #[schema(required = true)]
    pub agency: Option<String>,
    /// Dataset. ‖ 数据资源。
    #[schema(required = true)]
    pub dataset: Option<String>,
    /// Pseudonym of the subject. ‖ 对象化名。
    #[schema(required = true)]
    pub record: Option<String>,
    /// Mismatch. ‖ 差异。
    #[schema(required = true)]
    pub mismatch: Option<String>,
    /// What was counted. ‖ 计数。
    pub facts: AlertFacts,
    /// Entries that show it. ‖ 佐证条数。
    #[schema(minimum = 0)]
    pub entries: u64,
    /// The first of them, at most 32. ‖ 其中前 32 条。
    pub evidence: Vec<EntryPlace>,
}

/// An application that was accepted. ‖ 已受理的办件。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplicationReport {
    /// Its number, as in `purpose.application_no`. ‖ 办件编号，同 `purpose.application_no`。
    #[schema(min_length = 1, max_length = 128, example = "20261122-000187")]
    pub application_no: String,
    /// Service item. ‖ 事项编码。
    #[schema(min_length = 1, max_length = 128, example = "11340200003010677X3442199806003")]
    pub item_code: String,
    /// When it was accepted. ‖ 受理时间。
    #[schema(format = DateTime, example = "2026-11-22T09:30:00+08:00")]
    pub accepted_at: String,
}

/// The report is in the ledger. ‖ 已记入存证日志。
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ApplicationReported {
    /// That it was reported: `reported`. ‖ 已报送：`reported`。
    pub status: ReportedWord,
    /// Position of the ledger entry. ‖ 存证位置。
    pub receipt: EntryNote,
}

words! {
    /// A class. ‖ 类别：时效、流程、内容、裁量、廉政风险。
    AlertClass;
    /// A severity. ‖ 严重程度：低、中、高。
    AlertSeverity;
    /// A state. ‖ 状态：待处理、已受理、已关闭。
    AlertState;
    /// An action. ‖ 动作。
    AlertActionWord;
    /// A mode. ‖ 模式。
    RuleMode;
    /// That it was reported. ‖ 已报送。
    ReportedWord;
}
