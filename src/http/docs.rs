//! `/docs`: the whole API reference as one offline page, rendered from an OpenAPI 3.1 document.
//! Texts of operations come from the document: `x-zh-summary` and `x-zh-description` speak Chinese, and without
//! them the English stands; a response lists its problem codes in `x-problem-codes`, an operation its roles in `x-roles`, an
//! NDJSON body the shapes of its lines in `x-line-schemas`.

use std::collections::BTreeSet;

use maud::{Markup, html};
use serde_json::Value;

use self::prose::{inline, prose};
use self::spec::{ApiOperation, ApiSpec, TagGroup, items, members, string};
use super::html::{PageFrame, PageSection, page};
use super::problem::ProblemCode;
use super::problem::page::reason_phrase;
use heyan_texts::{Locale, text};

mod curl;
mod prose;
mod schema;
mod spec;

const PATH: &str = "/docs";

/// The page for `openapi` (a parsed OpenAPI 3.1 document) in `locale`. Whatever the document lacks or has wrong is
/// left out of the page; nothing fails.
pub fn render(openapi: &Value, locale: Locale) -> String {
    let spec = ApiSpec { root: openapi, locale };
    let groups = spec.groups();
    let body = html! {
        div.docs-grid {
            (navigation(spec, &groups))
            main.docs-main id="main" {
                (overview(spec))
                @for (index, group) in groups.iter().enumerate() {
                    section.group aria-labelledby={ "tag-" (index) } {
                        h2 id={ "tag-" (index) } { (group_title(spec, group)) }
                        @if let Some(text) = group.node.and_then(|tag| spec.text(tag, "description")) {
                            (prose(text))
                        }
                        @for operation in &group.operations { (operation_section(spec, operation)) }
                    }
                }
            }
        }
    };
    let frame = PageFrame {
        locale,
        title: text("pages.docs.title").get(locale),
        path: PATH,
        section: PageSection::Docs,
        layout: "docs",
    };
    page(&frame, &body)
}

/// The `curl` line of an operation, as the page shows it.
#[cfg(test)]
pub(super) fn curl_line(openapi: &Value, operation_id: &str) -> Option<String> {
    let locale = Locale::default();
    let spec = ApiSpec { root: openapi, locale };
    let mut operations = spec.groups().into_iter().flat_map(|group| group.operations);
    let operation = operations.find(|operation| string(operation.node, "operationId") == Some(operation_id))?;
    Some(curl::command(spec, &operation))
}

fn group_title<'a>(spec: ApiSpec<'a>, group: &TagGroup<'a>) -> &'a str {
    let titled = group.node.and_then(|tag| match spec.locale {
        Locale::ZhCn => string(tag, "x-zh-name").or_else(|| string(tag, "x-zh-summary")),
        Locale::En => string(tag, "x-displayName").or_else(|| string(tag, "summary")),
    });
    match (titled, group.name) {
        (Some(title), _) => title,
        (None, "") => text("pages.docs.other").get(spec.locale),
        (None, name) => name,
    }
}

fn navigation<'a>(spec: ApiSpec<'a>, groups: &[TagGroup<'a>]) -> Markup {
    let locale = spec.locale;
    html! {
        nav.side aria-label=(text("pages.docs.contents").get(locale)) {
            ul { li { a href="#overview" { (text("pages.docs.overview").get(locale)) } } }
            @for group in groups {
                h2 { (group_title(spec, group)) }
                ul {
                    @for operation in &group.operations {
                        li {
                            a href={ "#" (operation.anchor) } {
                                (verb(operation.method))
                                span { (inline(summary(spec, operation))) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn overview(spec: ApiSpec<'_>) -> Markup {
    let locale = spec.locale;
    let info = spec.root.get("info").unwrap_or(&Value::Null);
    let title = spec.text(info, "title").unwrap_or(text("pages.docs.title").get(locale));
    let servers: Vec<&str> = items(spec.root, "servers")
        .filter_map(|server| string(server, "url"))
        .filter(|url| *url != "/")
        .collect();
    html! {
        header id="overview" {
            h1 { (title) }
            dl.facts {
                @if let Some(version) = string(info, "version") {
                    div { dt { (text("pages.docs.version").get(locale)) } dd { (version) } }
                }
                @if !servers.is_empty() {
                    div {
                        dt { (text("pages.docs.servers").get(locale)) }
                        @for server in &servers { dd { code { (server) } } }
                    }
                }
            }
            @if let Some(text) = spec.text(info, "description") { (prose(text)) }
        }
    }
}

fn summary<'a>(spec: ApiSpec<'a>, operation: &ApiOperation<'a>) -> &'a str {
    spec.text(operation.node, "summary")
        .or_else(|| string(operation.node, "operationId"))
        .unwrap_or(operation.path)
}

fn verb(method: &str) -> Markup {
    html! { span class={ "verb " (method) } { (method.to_ascii_uppercase()) } }
}

fn operation_section<'a>(spec: ApiSpec<'a>, operation: &ApiOperation<'a>) -> Markup {
    let locale = spec.locale;
    let node = operation.node;
    let heading = format!("{}-title", operation.anchor);
    html! {
        section.operation id=(operation.anchor) aria-labelledby=(heading) {
            h3 id=(heading) {
                (inline(summary(spec, operation)))
                @if node.get("deprecated") == Some(&Value::Bool(true)) { " " span.old { (text("pages.docs.deprecated").get(locale)) } }
            }
            p.endpoint { (verb(operation.method)) code { (operation.path) } }
            @if !operation.is_pushed { (access(spec, node)) }
            @if let Some(text) = spec.text(node, "description") { (prose(text)) }
            (parameters(spec, operation))
            (request_body(spec, node))
            @if !operation.is_pushed {
                h4 { (text("pages.docs.try").get(locale)) }
                pre tabindex="0" { code { (curl::command(spec, operation)) } }
            }
            (responses(spec, node))
        }
    }
}

fn access<'a>(spec: ApiSpec<'a>, node: &'a Value) -> Markup {
    let locale = spec.locale;
    let holder = if node.get("security").is_some() {
        node
    } else {
        spec.root
    };
    let mut ways: Vec<String> = items(holder, "security").map(|way| credential(spec, way)).collect();
    if ways.is_empty() {
        ways.push(text("pages.docs.auth_none").get(locale).to_owned());
    }
    let roles: Vec<&str> = items(node, "x-roles").filter_map(Value::as_str).collect();
    html! {
        p.auth {
            (text("pages.docs.auth").get(locale)) (ways.join(text("pages.docs.or").get(locale)))
            @if !roles.is_empty() {
                " · " (text("pages.docs.roles").get(locale))
                @for (index, role) in roles.iter().enumerate() {
                    @if index > 0 { " " }
                    code { (role) }
                }
            }
        }
    }
}

/// One security requirement in words: all its schemes together.
fn credential<'a>(spec: ApiSpec<'a>, way: &'a Value) -> String {
    let schemes = spec.root.pointer("/components/securitySchemes");
    let names = way.as_object().into_iter().flatten().map(|(name, scopes)| {
        let scheme = schemes
            .and_then(|schemes| schemes.get(name))
            .map(|scheme| spec.resolve(scheme));
        let kind = scheme.map(|scheme| (string(scheme, "type"), string(scheme, "scheme")));
        let known = |key| text(key).get(spec.locale).to_owned();
        let mut words = match kind {
            Some((Some("http"), Some("bearer"))) => known("pages.docs.scheme.bearer"),
            Some((Some("http"), Some("basic"))) => known("pages.docs.scheme.basic"),
            _ => name.clone(),
        };
        let scopes: Vec<&str> = scopes
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if !scopes.is_empty() {
            words.push_str(&format!(" [{}]", scopes.join(" ")));
        }
        words
    });
    let all: Vec<String> = names.collect();
    if all.is_empty() {
        text("pages.docs.auth_none").get(spec.locale).to_owned()
    } else {
        all.join(" + ")
    }
}

fn parameters<'a>(spec: ApiSpec<'a>, operation: &ApiOperation<'a>) -> Markup {
    let locale = spec.locale;
    if operation.parameters.is_empty() {
        return html! {};
    }
    html! {
        h4 { (text("pages.docs.parameters").get(locale)) }
        div.scroll tabindex="0" role="group" aria-label=(text("pages.docs.parameters").get(locale)) {
            table.fields {
                thead { tr {
                    th scope="col" { (text("pages.docs.name").get(locale)) }
                    th scope="col" { (text("pages.docs.place").get(locale)) " · " (text("pages.docs.type").get(locale)) }
                    th scope="col" { (text("pages.docs.description").get(locale)) }
                } }
                tbody { @for parameter in &operation.parameters { (parameter_row(spec, parameter)) } }
            }
        }
    }
}

fn parameter_row<'a>(spec: ApiSpec<'a>, parameter: &'a Value) -> Markup {
    let locale = spec.locale;
    let schema = parameter.get("schema");
    let required = parameter.get("required") == Some(&Value::Bool(true));
    html! {
        tr {
            th scope="row" {
                code { (string(parameter, "name").unwrap_or_default()) } " "
                @if required { span.need { (text("pages.schema.required").get(locale)) } }
                @else { span.maybe { (text("pages.schema.optional").get(locale)) } }
            }
            td {
                (string(parameter, "in").unwrap_or_default())
                @if let Some(schema) = schema {
                    " · " (schema::kind(spec, schema))
                    @for limit in schema::limits(spec.resolve(schema), locale) { span.limits { (limit) } }
                }
            }
            td { @if let Some(text) = spec.text(parameter, "description") { (prose(text)) } }
        }
    }
}

fn request_body<'a>(spec: ApiSpec<'a>, node: &'a Value) -> Markup {
    let locale = spec.locale;
    let Some(reference) = node.get("requestBody") else {
        return html! {};
    };
    let body = spec.resolve(reference);
    html! {
        h4 { (text("pages.docs.body").get(locale)) }
        @if let Some(text) = spec.text(reference, "description") { (prose(text)) }
        @for (media, content) in members(body, "content") {
            p { code { (media) } }
            (structure(spec, content))
            (examples(spec, content))
        }
    }
}

/// The table of a body; of an NDJSON body, a table for each kind of line (`x-line-schemas`).
fn structure<'a>(spec: ApiSpec<'a>, content: &'a Value) -> Markup {
    let lines: Vec<&Value> = items(content, "x-line-schemas").collect();
    html! {
        @if lines.is_empty() {
            @if let Some(schema) = content.get("schema") { (schema::table(spec, schema)) }
        } @else {
            p { (text("pages.docs.lines").get(spec.locale)) }
            @for line in lines {
                @if let Some(text) = spec.text(line, "description") { (prose(text)) }
                (schema::table(spec, line))
            }
        }
    }
}

/// Named examples one after the other, or the one that there is or that can be made up.
fn examples<'a>(spec: ApiSpec<'a>, content: &'a Value) -> Markup {
    let locale = spec.locale;
    let named: Vec<(&str, &Value)> = members(content, "examples").collect();
    html! {
        @if named.is_empty() {
            @if let Some(example) = spec.example(content) { (example_block(text("pages.docs.example").get(locale), &example)) }
        }
        @for (name, example) in named {
            @if let Some(value) = spec.resolve(example).get("value") {
                (example_block(spec.text(example, "summary").unwrap_or(name), value))
            }
        }
    }
}

fn example_block(title: &str, example: &Value) -> Markup {
    let text = match example {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    };
    html! {
        details open[text.lines().count() <= 24] {
            summary { (title) }
            pre tabindex="0" { code { (text) } }
        }
    }
}

fn responses<'a>(spec: ApiSpec<'a>, node: &'a Value) -> Markup {
    let locale = spec.locale;
    html! {
        h4 { (text("pages.docs.responses").get(locale)) }
        table.answers {
            thead { tr {
                th scope="col" { (text("pages.docs.status").get(locale)) }
                th scope="col" { (text("pages.docs.description").get(locale)) }
            } }
            tbody {
                @for (status, response) in members(node, "responses") {
                    tr {
                        th scope="row" { (status_label(status)) }
                        td { (response_cell(spec, status, response)) }
                    }
                }
            }
        }
    }
}

fn status_label(status: &str) -> Markup {
    let class = if status.starts_with('2') || status.starts_with('3') {
        "status ok"
    } else {
        "status bad"
    };
    html! { span class=(class) { (status) } }
}

fn response_cell<'a>(spec: ApiSpec<'a>, status: &str, reference: &'a Value) -> Markup {
    let locale = spec.locale;
    let response = spec.resolve(reference);
    let phrase = status.parse().map(reason_phrase).unwrap_or_default();
    let description = spec.text(reference, "description").unwrap_or(phrase);
    let headers: Vec<&str> = members(response, "headers").map(|(name, _)| name).collect();
    let bodies = members(response, "content").filter(|(media, _)| *media != super::problem::CONTENT_TYPE);
    html! {
        (prose(description))
        (problem_links(status, reference, response, locale))
        @if !headers.is_empty() {
            p {
                (text("pages.docs.headers").get(locale))
                @for (index, name) in headers.iter().enumerate() {
                    @if index > 0 { " " }
                    code { (name) }
                }
            }
        }
        @for (media, content) in bodies {
            details {
                summary { (text("pages.docs.structure").get(locale)) " · " code { (media) } }
                (structure(spec, content))
                (examples(spec, content))
            }
        }
    }
}

/// Links to the codes that the response names, or to those of its status when it names none.
fn problem_links(status: &str, reference: &Value, response: &Value, locale: Locale) -> Markup {
    // Both, because a reference may add codes to a shared response; the order is that of the catalogue.
    let codes: BTreeSet<ProblemCode> = items(reference, "x-problem-codes")
        .chain(items(response, "x-problem-codes"))
        .filter_map(Value::as_str)
        .filter_map(ProblemCode::parse)
        .collect();
    let known = status
        .parse()
        .is_ok_and(|status: u16| ProblemCode::ALL.iter().any(|code| code.status() == status));
    html! {
        @if !codes.is_empty() {
            ul.links {
                @for code in codes {
                    li { a href=(code.type_uri()) title=(code.title(locale)) { code { (code.as_str()) } } }
                }
            }
        } @else if known {
            p { a href={ "/problems#status-" (status) } { (text("pages.docs.problem_list").get(locale)) } }
        }
    }
}

#[cfg(test)]
mod tests;
