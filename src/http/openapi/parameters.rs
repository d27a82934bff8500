//! Parameters by name: limits, example and text. A handler names its parameters; here is what there is to say of each.
//! Texts are English first, Chinese behind `‖`, as in `shapes`.

use serde_json::{Value, json};

use heyan_app::supervision::alerts::State;
use heyan_domain::supervision::Class;

/// What is said of a parameter.
pub(super) struct Parameter {
    pub(super) schema: Value,
    pub(super) example: Option<Value>,
    pub(super) text: &'static str,
}

/// The parameter `name` of `operation`.
pub(super) fn parameter(operation: &str, name: &str) -> Option<Parameter> {
    let text = || json!({"type": "string"});
    if let Some(known) = of_supervision(operation, name)
        .or_else(|| of_what_is_kept(operation, name))
        .or_else(|| of_the_loop(operation, name))
    {
        return Some(known);
    }
    match (name, operation) {
        ("id", "explain") => say(
            text(),
            "ver_01KB2Q0000000000000000002A".into(),
            "The verification; an item of a batch or stream has its position behind a dash. ‖ 核验编号；批量或流中的一条在短横后带位置。",
        ),
        ("id", "revoke_grant") => say(text(), "grt_b3J3ZWxsMTk4NF9oZXlhbg".into(), "The grant. ‖ 授权编号。"),
        ("id", operation) if operation.ends_with("_user") || operation == "rotate_user_secret" => {
            say(text(), "auditor-li".into(), "The user. ‖ 用户标识。")
        }
        ("id", operation) if operation.ends_with("_seal") => say(
            text(),
            "sea_01KB2Q0000000000000000002A".into(),
            "The seal. ‖ 封存编号。",
        ),
        ("id", _) => say(text(), "wuhu-hrss".into(), "The agency. ‖ 机构标识。"),
        ("origin", _) => say(
            text(),
            "hub-1.heyan.local".into(),
            "Name of the ledger, as in `receipt.origin`. ‖ 存证日志名称，即 `receipt.origin`。",
        ),
        ("index", _) => say(
            json!({"type": "integer", "format": "int64", "minimum": 0}),
            1234.into(),
            "Index of the entry, as in `receipt.index`. ‖ 条目序号，即 `receipt.index`。",
        ),
        ("dataset", "list_grants") => unsaid(text(), "Only grants on this dataset. ‖ 只列该数据资源的授权。"),
        ("dataset", _) => say(text(), "natural-person".into(), "Name of the dataset. ‖ 数据资源名称。"),
        ("agency", _) => unsaid(text(), "Only grants of this agency. ‖ 只列该机构的授权。"),
        ("limit", _) => unsaid(
            json!({"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}),
            "Most rows of the page. ‖ 每页至多行数。",
        ),
        ("cursor", _) => unsaid(
            text(),
            "`next_cursor` of the page before, as it is. ‖ 上一页的 `next_cursor`，原样带回。",
        ),
        ("name", "get_event_schema") => say(
            text(),
            "heyan.mismatch.v1.json".into(),
            "Name of the topic, with `.json` behind it. ‖ 主题名，后加 `.json`。",
        ),
        ("code", _) => say(text(), "invalid_identifier".into(), "The code. ‖ 问题代码。"),
        ("lang", _) => unsaid(
            text(),
            "`zh-CN` or `en`; goes before `Accept-Language`. ‖ `zh-CN` 或 `en`，优先于 `Accept-Language`。",
        ),
        ("If-Match", _) => unsaid(
            json!({"type": "string", "pattern": "^\"(0|[1-9][0-9]{0,8})\"$"}),
            "The version that must be current; `\"0\"`: there must be none. For one record as JSON only. ‖ 须为当前的版本；`\"0\"` 表示须尚无记录。仅用于单条 JSON。",
        ),
        ("Prefer", _) => unsaid(
            text(),
            "`wait=2` waits up to 2 s (at most 10) for the covering checkpoint, RFC 7240. ‖ `wait=2` 最多等待 2 秒（上限 10）以取得覆盖它的检查点，RFC 7240。",
        ),
        ("Accept-Language", _) => unsaid(
            text(),
            "Language of texts for people: `zh-CN` (default) or `en`. ‖ 文字的语言：`zh-CN`（默认）或 `en`。",
        ),
        _ => None,
    }
}

/// Parameters of items, mismatches, subscriptions and deliveries.
fn of_the_loop(operation: &str, name: &str) -> Option<Parameter> {
    let text = || json!({"type": "string"});
    match (name, operation) {
        ("code", "get_item") => say(
            text(),
            "11340200003015064U3000505001000".into(),
            "Code of the item. ‖ 事项编码。",
        ),
        ("id", operation) if operation.ends_with("_mismatch") => say(
            text(),
            "mis_01KB2Q0000000000000000002A".into(),
            "The mismatch. ‖ 差异编号。",
        ),
        ("id", operation) if operation.contains("subscription") => say(
            text(),
            "sub_01KB2Q0000000000000000002A".into(),
            "The subscription. ‖ 订阅编号。",
        ),
        ("id", "replay_delivery") => say(
            text(),
            "dlv_01KB2Q0000000000000000002A".into(),
            "The delivery. ‖ 投递编号。",
        ),
        ("Idempotency-Key", _) => say(
            json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"}),
            "7b0d1f1c-5f0e-4c7e-9d59-2f6f0a1c9d11".into(),
            "One key for one action; the same for every retry of it. ‖ 每个动作一个键，重试时不变。",
        ),
        ("state", "list_mismatches") => unsaid(
            json!({"type": "string", "enum": heyan_domain::mismatch::STATES}),
            "Only those in this state. ‖ 只列此状态的。",
        ),
        ("state", _) => unsaid(
            json!({"type": "string", "enum": ["pending", "delivered", "dead", "superseded", "cancelled"]}),
            "Only those in this state. ‖ 只列此状态的。",
        ),
        ("target", _) => unsaid(
            text(),
            "Only those to this target: a subscription, or `sink:` and a connector's name. ‖ 只列发往此目标的：订阅编号，或 `sink:` 加连接器名。",
        ),
        ("due_before", _) => unsaid(
            json!({"type": "string", "format": "date"}),
            "Only those that are not over and due before this date. ‖ 只列未办结且期限早于此日的。",
        ),
        ("dataset", "list_mismatches") => unsaid(text(), "Only those of this dataset. ‖ 只列该数据资源的。"),
        _ => None,
    }
}

/// Parameters of watches, joint cases, data quality and the tiles of a ledger.
fn of_what_is_kept(operation: &str, name: &str) -> Option<Parameter> {
    let text = || json!({"type": "string"});
    match (name, operation) {
        ("id", "get_case" | "close_case" | "check_in_case" | "reuse_check") => say(
            text(),
            "cas_01KB2Q0000000000000000002A".into(),
            "The case. ‖ 联办件编号。",
        ),
        ("number", _) => say(
            json!({"type": "integer", "minimum": 1, "maximum": heyan_app::cases::CHECKS_MAX}),
            1.into(),
            "Number of the check in the case. ‖ 核验在联办件中的序号。",
        ),
        ("authority", _) => unsaid(text(), "The authority, by its agency id. ‖ 数据源部门的机构标识。"),
        ("agency", "get_quality") => unsaid(text(), "Only what this agency asked. ‖ 只计该机构的核验。"),
        ("dataset", "get_quality") => unsaid(text(), "Only this dataset. ‖ 只计该数据资源。"),
        ("from" | "until", _) => unsaid(
            json!({"type": "string", "format": "date"}),
            "First or last day, China time; the last 30 days when left out. ‖ 起止日期（北京时间）；省略为最近 30 天。",
        ),
        ("by", _) => unsaid(
            json!({"type": "string", "enum": ["day", "week"], "default": "day"}),
            "What a row stands for. ‖ 按日或按周。",
        ),
        ("week", _) => say(
            json!({"type": "string", "pattern": "^[0-9]{4}-W[0-9]{2}$"}),
            "2026-W47".into(),
            "The ISO 8601 week. ‖ ISO 8601 周。",
        ),
        ("Accept", _) => unsaid(
            text(),
            "`text/markdown` gives the report as text, in the language of `Accept-Language`. ‖ `text/markdown` 取文本，语言按 `Accept-Language`。",
        ),
        ("id", "get_watch" | "remove_watch") => say(
            text(),
            "wat_01KB2Q0000000000000000002A".into(),
            "The watch. ‖ 关注编号。",
        ),
        ("state", "list_watches") => unsaid(
            json!({"type": "string", "enum": heyan_app::watches::STATES}),
            "Only those in this state. ‖ 只列此状态的。",
        ),
        ("level", _) => say(
            json!({"type": "integer", "minimum": 0, "maximum": 63}),
            0.into(),
            "Level of the tile. ‖ 数据块的层。",
        ),
        ("path", _) => say(
            text(),
            "000.p/1".into(),
            "Number of the tile in groups of three digits, `.p/` and a width behind a partial one. ‖ 数据块号，三位一组；不满块在后面写 `.p/` 与宽度。",
        ),
        _ => None,
    }
}

/// Parameters of supervision.
fn of_supervision(operation: &str, name: &str) -> Option<Parameter> {
    let text = || json!({"type": "string"});
    match (name, operation) {
        ("id", "get_alert" | "act_on_alert") => say(
            text(),
            "alt_01KB2Q0000000000000000002A".into(),
            "The alert. ‖ 警示编号。",
        ),
        ("id", "replay_rule") => say(text(), "off_hours_bulk".into(), "The rule. ‖ 规则编号。"),
        ("state", "list_alerts") => unsaid(
            json!({"type": "string", "enum": State::ALL.map(State::as_str)}),
            "Only those in this state. ‖ 只列此状态的。",
        ),
        ("class", _) => unsaid(
            json!({"type": "string", "enum": Class::ALL.map(Class::as_str)}),
            "Only those of rules of this class. ‖ 只列此类规则的。",
        ),
        ("rule", _) => unsaid(text(), "Only those of this rule. ‖ 只列此规则的。"),
        ("since", _) => unsaid(
            json!({"type": "string", "format": "date-time"}),
            "Only those raised since then. ‖ 只列此时以来的。",
        ),
        _ => None,
    }
}

fn say(schema: Value, example: Value, text: &'static str) -> Option<Parameter> {
    Some(Parameter {
        schema,
        example: Some(example),
        text,
    })
}

fn unsaid(schema: Value, text: &'static str) -> Option<Parameter> {
    Some(Parameter {
        schema,
        example: None,
        text,
    })
}
