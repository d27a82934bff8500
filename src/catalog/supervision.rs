//! `config/supervision.toml` → rules. The shipped file is compiled in; a file of the settings replaces it as a whole, so that what is
//! in force stands in one place, whose SHA-256 the ledger has.

use std::{path::Path, sync::Arc};

use serde::{Deserialize, de::DeserializeOwned};

use super::CatalogError;
use heyan_domain::{
    label::BilingualLabel,
    supervision::{AlertSeverity, Rule, RuleClass, RuleKind, RuleMode, RuleScope},
};

/// The rules that ship.
pub const SHIPPED: &str = include_str!("../../config/supervision.toml");

/// Rules of one file, and the file.
pub struct RuleFile {
    /// In the order of the file.
    pub rules: Vec<Arc<Rule>>,
    /// The file as it is.
    pub text: String,
}

/// Rules of one file at most.
const RULES_MAX: usize = 200;

/// Longest id.
const ID_CHARS_MAX: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSpec {
    rule: Vec<RuleSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleSpec {
    id: String,
    class: RuleClass,
    kind: String,
    severity: AlertSeverity,
    #[serde(default = "on")]
    mode: RuleMode,
    #[serde(default)]
    scope: RuleScope,
    title: BilingualLabel,
    remedy: BilingualLabel,
    #[serde(default)]
    limits: toml::Table,
}

fn on() -> RuleMode {
    RuleMode::On
}

/// The rules of `file`; `None`: those that ship.
///
/// # Errors
/// A file that cannot be read, has an unknown key, or a limit that cannot be meant; the error names file, rule and key.
pub fn load(file: Option<&Path>) -> Result<RuleFile, CatalogError> {
    let Some(path) = file else {
        return parse("supervision.toml", SHIPPED.to_owned());
    };
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| CatalogError::in_file(&name, "", error.to_string()))?;
    parse(&name, text)
}

/// The rules of a text; `name` is what errors call it.
///
/// # Errors
/// As `load`.
pub fn parse(name: &str, text: String) -> Result<RuleFile, CatalogError> {
    let file: FileSpec =
        toml::from_str(&text).map_err(|error| CatalogError::in_file(name, "", error.to_string().trim_end()))?;
    if file.rule.len() > RULES_MAX {
        return Err(CatalogError::in_file(name, "/rule", "more rules than 200"));
    }
    let mut rules: Vec<Arc<Rule>> = Vec::with_capacity(file.rule.len());
    for spec in file.rule {
        let place = format!("/rule/{}", spec.id);
        let rule =
            compile(spec).map_err(|(member, why)| CatalogError::in_file(name, &format!("{place}{member}"), why))?;
        if rules.iter().any(|known| known.id == rule.id) {
            return Err(CatalogError::in_file(name, &place, "another rule has the same id"));
        }
        rules.push(Arc::new(rule));
    }
    Ok(RuleFile { rules, text })
}

type WrongRule = (&'static str, String);

fn compile(spec: RuleSpec) -> Result<Rule, WrongRule> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if spec.id.is_empty() || spec.id.len() > ID_CHARS_MAX || !spec.id.chars().all(plain) {
        return Err(("/id", "an id is of a-z, 0-9 and _, at most 64".to_owned()));
    }
    let kind = kind_of(&spec.kind, spec.limits)?;
    kind.check()
        .map_err(|wrong| ("/limits", format!("{} cannot be meant so", wrong.0)))?;
    if matches!(kind, RuleKind::BuiltIn) && spec.mode == RuleMode::Shadow {
        return Err(("/mode", "what the hub raises by itself has no shadow".to_owned()));
    }
    Ok(Rule {
        id: spec.id,
        class: spec.class,
        kind,
        mode: spec.mode,
        severity: spec.severity,
        scope: spec.scope,
        title: spec.title,
        remedy: spec.remedy,
    })
}

fn kind_of(word: &str, limits: toml::Table) -> Result<RuleKind, WrongRule> {
    Ok(match word {
        "many_subjects" => RuleKind::ManySubjects(of(limits)?),
        "off_hours" => RuleKind::OffHours(of(limits)?),
        "many_agencies" => RuleKind::ManyAgencies(of(limits)?),
        "guessing" => RuleKind::Guessing(of(limits)?),
        "mismatch_rate" => RuleKind::MismatchRate(of(limits)?),
        "no_application" => RuleKind::NoApplication(of(limits)?),
        "unresolved" => RuleKind::Unresolved(of(limits)?),
        "paper_demanded" => RuleKind::PaperDemanded(of(limits)?),
        "overdue" | "built_in" if !limits.is_empty() => {
            return Err(("/limits", "this kind has no limits".to_owned()));
        }
        "overdue" => RuleKind::Overdue,
        "built_in" => RuleKind::BuiltIn,
        _ => return Err(("/kind", "no such kind".to_owned())),
    })
}

fn of<T: DeserializeOwned>(limits: toml::Table) -> Result<T, WrongRule> {
    let limits: Result<T, toml::de::Error> = limits.try_into();
    limits.map_err(|error| ("/limits", error.message().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_rules_cover_every_class_and_name_what_the_hub_raises_itself() {
        let shipped = load(None).unwrap().rules;
        for class in RuleClass::ALL {
            assert!(shipped.iter().any(|rule| rule.class == class), "{class:?}");
        }
        for id in [
            "mismatch_overdue",
            "calendar_year_missing",
            "guess_budget",
            "ledger_forked",
            "licence_issued_late",
        ] {
            assert!(shipped.iter().any(|rule| rule.id == id), "{id}");
        }
        assert!(shipped.iter().all(|rule| rule.mode == RuleMode::On));
    }

    #[test]
    fn a_rule_that_cannot_be_meant_is_refused_with_its_place() {
        let rule = |more: &str| {
            format!(
                "[[rule]]\nid = \"x\"\nclass = \"content\"\nseverity = \"low\"\ntitle = {{ zh = \"x\", en = \"x\" }}\n\
                 remedy = {{ zh = \"x\", en = \"x\" }}\n{more}"
            )
        };
        let limits = "kind = \"guessing\"\n[rule.limits]\nwindow_h = 24\n";
        assert!(parse("f", rule(&format!("{limits}wrong_min = 6\n"))).is_ok());
        for (more, place) in [
            ("kind = \"none\"", "/rule/x/kind"),
            ("kind = \"overdue\"\n[rule.limits]\nx = 1", "/rule/x/limits"),
            (limits, "/rule/x/limits"),
            (&format!("{limits}wrong_min = 1\n"), "/rule/x/limits"),
            (&format!("{limits}wrong_min = 6\nmore = 1\n"), "/rule/x/limits"),
            ("kind = \"built_in\"\nmode = \"shadow\"", "/rule/x/mode"),
            ("kind = \"overdue\"\nunknown = 1", "unknown"),
        ] {
            let told = parse("f", rule(more)).err().unwrap().to_string();
            assert!(told.contains(place), "{more}: {told}");
        }
        let twice = rule("kind = \"overdue\"\n").repeat(2);
        assert!(parse("f", twice).err().unwrap().to_string().contains("same id"));
    }
}
