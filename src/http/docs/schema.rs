//! A JSON Schema as one flat table: a row per member, with its path, type, limits and description.
//! The table is for reading: what it leaves out (conditions, cross-member rules) is in `/openapi.json`.

use maud::{Markup, html};
use serde_json::Value;

use super::prose::prose;
use super::spec::{ApiSpec, is_null, items, reference, string, type_names};
use heyan_texts::{Locale, text};

/// Most rows of one table, and deepest path.
const ROWS_MAX: usize = 200;
const DEPTH_MAX: usize = 8;

/// How strongly a member is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MemberNeed {
    Required,
    Optional,
    /// Array elements, map values and the whole: nobody asks.
    Unsaid,
}

struct MemberRow<'a> {
    /// Path of the parent with its dot.
    parent: String,
    name: String,
    need: MemberNeed,
    kind: String,
    limits: Vec<String>,
    description: Option<&'a str>,
}

/// The table of `schema`.
pub(super) fn table<'a>(spec: ApiSpec<'a>, schema: &'a Value) -> Markup {
    let locale = spec.locale;
    let mut walk = SchemaWalk {
        spec,
        rows: Vec::new(),
        open: Vec::new(),
    };
    walk.root(schema);
    let cut = walk.rows.len() >= ROWS_MAX;
    html! {
        div.scroll tabindex="0" role="group" aria-label=(text("pages.schema.member").get(locale)) {
            table.fields {
                thead { tr {
                    th scope="col" { (text("pages.schema.member").get(locale)) }
                    th scope="col" { (text("pages.schema.type").get(locale)) }
                    th scope="col" { (text("pages.schema.description").get(locale)) }
                } }
                tbody { @for row in &walk.rows { (row.render(locale)) } }
            }
        }
        @if cut { p { (text("pages.schema.cut").get(locale)) } }
    }
}

/// Type of a schema in words, such as `string (date)` or `object[]`.
pub(super) fn kind<'a>(spec: ApiSpec<'a>, schema: &'a Value) -> String {
    kind_at(spec, schema, 0)
}

/// Limits of a schema, one phrase each.
pub(super) fn limits(schema: &Value, locale: Locale) -> Vec<String> {
    let word = |key| text(key).get(locale);
    let mut limits = Vec::new();
    let ranges = [
        ("minLength", "maxLength", word("pages.schema.limit.length")),
        ("minItems", "maxItems", word("pages.schema.limit.items")),
        ("minProperties", "maxProperties", word("pages.schema.limit.members")),
        ("minimum", "maximum", ""),
    ];
    for (least, most, unit) in ranges {
        match (schema.get(least), schema.get(most)) {
            (Some(least), Some(most)) => limits.push(format!("{least}–{most}{unit}")),
            (Some(least), None) => limits.push(format!("≥ {least}{unit}")),
            (None, Some(most)) => limits.push(format!("≤ {most}{unit}")),
            (None, None) => {}
        }
    }
    for (keyword, sign) in [("exclusiveMinimum", ">"), ("exclusiveMaximum", "<")] {
        if let Some(bound) = schema.get(keyword) {
            limits.push(format!("{sign} {bound}"));
        }
    }
    let values: Vec<String> = items(schema, "enum").map(Value::to_string).collect();
    if !values.is_empty() {
        limits.push(values.join(", "));
    }
    let today: Vec<String> = items(schema, "x-extensible-enum").map(Value::to_string).collect();
    if !today.is_empty() {
        limits.push(format!("{}{}", word("pages.schema.limit.today"), today.join(", ")));
    }
    if let Some(fixed) = schema.get("const") {
        limits.push(format!("= {fixed}"));
    }
    if let Some(pattern) = string(schema, "pattern") {
        limits.push(format!("{}{pattern}", word("pages.schema.limit.matches")));
    }
    if let Some(default) = schema.get("default") {
        limits.push(format!("{}{default}", word("pages.schema.limit.default")));
    }
    if schema.get("uniqueItems") == Some(&Value::Bool(true)) {
        limits.push(word("pages.schema.limit.unique").to_owned());
    }
    if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
        limits.push(word("pages.schema.limit.strict").to_owned());
    }
    limits
}

fn kind_at<'a>(spec: ApiSpec<'a>, schema: &'a Value, depth: usize) -> String {
    let schema = spec.resolve(schema);
    if depth > DEPTH_MAX {
        return text("pages.schema.any").get(spec.locale).to_owned();
    }
    let choices: Vec<&Value> = choices(schema);
    if !choices.is_empty() {
        let mut names: Vec<String> = Vec::new();
        for choice in choices {
            let name = kind_at(spec, choice, depth + 1);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        // What a member usually is comes before that it may be null.
        names.sort_by_key(|name| name == "null");
        return names.join(text("pages.schema.or").get(spec.locale));
    }
    let mut names: Vec<String> = type_names(schema).into_iter().map(str::to_owned).collect();
    if let Some(array) = names.iter_mut().find(|name| *name == "array")
        && let Some(item) = schema.get("items")
    {
        let item = kind_at(spec, item, depth + 1);
        *array = match item.contains(' ') {
            true => format!("({item})[]"),
            false => format!("{item}[]"),
        };
    }
    match (names.is_empty(), string(schema, "format")) {
        (true, _) => text("pages.schema.any").get(spec.locale).to_owned(),
        (false, Some(format)) => format!("{} ({format})", names.join(" | ")),
        (false, None) => names.join(" | "),
    }
}

fn choices(schema: &Value) -> Vec<&Value> {
    let branches = schema.get("then").zip(schema.get("else"));
    let branches = branches.into_iter().flat_map(|(one, other)| [one, other]);
    items(schema, "oneOf")
        .chain(items(schema, "anyOf"))
        .chain(branches)
        .collect()
}

/// The one choice that is not `null`, whose limits are those of the member; else the schema itself.
fn only_choice<'a>(spec: ApiSpec<'a>, schema: &'a Value) -> &'a Value {
    let mut real = choices(schema)
        .into_iter()
        .map(|choice| spec.resolve(choice))
        .filter(|choice| !is_null(choice));
    match (real.next(), real.next()) {
        (Some(only), None) => only,
        _ => schema,
    }
}

struct SchemaWalk<'a> {
    spec: ApiSpec<'a>,
    rows: Vec<MemberRow<'a>>,
    /// Reference targets that are being walked: a schema inside itself is named, not repeated.
    open: Vec<&'a str>,
}

impl<'a> SchemaWalk<'a> {
    fn root(&mut self, schema: &'a Value) {
        let target = self.spec.resolve(schema);
        if self.spec.properties(target).is_empty() {
            let name = text("pages.schema.whole").get(self.spec.locale).to_owned();
            self.row(schema, String::new(), name, MemberNeed::Unsaid);
        }
        self.enter(schema, "", 0);
    }

    fn row(&mut self, schema: &'a Value, parent: String, name: String, need: MemberNeed) {
        let target = self.spec.resolve(schema);
        let mut kind = kind(self.spec, schema);
        if reference(schema).is_some_and(|target| self.open.contains(&target)) {
            kind.push_str(text("pages.schema.recursive").get(self.spec.locale));
        }
        self.rows.push(MemberRow {
            parent,
            name,
            need,
            kind,
            limits: limits(only_choice(self.spec, target), self.spec.locale),
            description: self.spec.text(schema, "description"),
        });
    }

    /// Adds the rows under `path`, which ends with its dot or is empty.
    fn enter(&mut self, schema: &'a Value, path: &str, depth: usize) {
        let target_name = reference(schema);
        if depth > DEPTH_MAX || target_name.is_some_and(|target| self.open.contains(&target)) {
            return;
        }
        self.open.extend(target_name);
        let schema = self.spec.resolve(schema);
        for (name, property, required) in self.spec.properties(schema) {
            let need = if required {
                MemberNeed::Required
            } else {
                MemberNeed::Optional
            };
            self.member(property, path, name, need, depth);
        }
        if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) {
            self.member(values, path, "*", MemberNeed::Unsaid, depth);
        }
        if let Some(item) = schema.get("items").filter(|item| item.is_object()) {
            self.enter(item, &format!("{}[].", path.trim_end_matches('.')), depth + 1);
        }
        for choice in choices(schema) {
            if !is_null(self.spec.resolve(choice)) {
                self.enter(choice, path, depth + 1);
            }
        }
        if target_name.is_some() {
            self.open.pop();
        }
    }

    fn member(&mut self, schema: &'a Value, path: &str, name: &str, need: MemberNeed, depth: usize) {
        // Variants of a choice often share members: one row is enough.
        let known = self.rows.iter().any(|row| row.parent == path && row.name == name);
        if known || self.rows.len() >= ROWS_MAX {
            return;
        }
        self.row(schema, path.to_owned(), name.to_owned(), need);
        self.enter(schema, &format!("{path}{name}."), depth + 1);
    }
}

impl MemberRow<'_> {
    fn render(&self, locale: Locale) -> Markup {
        html! {
            tr {
                th scope="row" {
                    code {
                        @if !self.parent.is_empty() { span.path-up { (self.parent) } }
                        (self.name)
                    }
                    " "
                    @match self.need {
                        Need::Required => span.need { (text("pages.schema.required").get(locale)) },
                        Need::Optional => span.maybe { (text("pages.schema.optional").get(locale)) },
                        Need::Unsaid => {}
                    }
                }
                td {
                    (self.kind)
                    @for limit in &self.limits { span.limits { (limit) } }
                }
                td { @if let Some(description) = self.description { (prose(description)) } }
            }
        }
    }
}
