//! The pages `/problems` and `/problems/{code}`: what a code means and what each reader does about it.
//! Both languages stand on a code's page, the negotiated one first; nothing on them comes from a request.

use maud::{Markup, html};

use super::{FieldCode, IdentifierFault, ProblemCode, ProblemDocument, ProblemPointer};
use crate::html::{PageFrame, PageSection, page};
use heyan_domain::fault::LengthLimit;
use heyan_texts::{Locale, text};

const INDEX_PATH: &str = "/problems";

/// Page of one code: both languages, `locale` first. Status 200; for an unknown code the caller serves the
/// page of `problem_not_found` with status 404.
pub fn problem_page(code: ProblemCode, locale: Locale) -> String {
    let title = format!("{} {}", code.as_str(), code.title(locale));
    let path = code.type_uri();
    let body = html! {
        main.sheet id="main" {
            nav.crumbs aria-label=(text("pages.problems.breadcrumb").get(locale)) {
                a href=(INDEX_PATH) { (text("pages.problems.back").get(locale)) }
            }
            header.problem-head {
                h1 { (code.title(locale)) " " span.alt lang=(locale.other().tag()) { (code.title(locale.other())) } }
                p.badges {
                    span class={ "badge " (family(code)) } { "HTTP " (code.status()) " " (reason_phrase(code.status())) }
                    " "
                    code.badge { (code.as_str()) }
                }
            }
            (explanation(code, locale))
            (example(code, locale))
            (explanation(code, locale.other()))
        }
    };
    let frame = PageFrame {
        locale,
        title: &title,
        path: &path,
        section: PageSection::Problems,
        layout: "plain",
    };
    page(&frame, &body)
}

/// List of every code, by status.
pub fn index_page(locale: Locale) -> String {
    let title = text("pages.problems.index_title").get(locale);
    let statuses = statuses();
    let body = html! {
        main.sheet.wide id="main" {
            h1 { (title) }
            p.lead { (text("pages.problems.index_lead").get(locale)) }
            nav.jump aria-label=(text("pages.problems.jump").get(locale)) {
                @for status in &statuses {
                    a href={ "#status-" (status) } { (status) }
                }
            }
            @for status in &statuses {
                section aria-labelledby={ "status-" (status) } {
                    h2 id={ "status-" (status) } { (status) " " span.alt lang="en" { (reason_phrase(*status)) } }
                    (codes_table(*status, locale))
                }
            }
        }
    };
    let frame = PageFrame {
        locale,
        title,
        path: INDEX_PATH,
        section: PageSection::Problems,
        layout: "plain",
    };
    page(&frame, &body)
}

fn statuses() -> Vec<u16> {
    let mut statuses: Vec<u16> = ProblemCode::ALL.iter().map(|code| code.status()).collect();
    statuses.dedup();
    statuses
}

fn codes_table(status: u16, locale: Locale) -> Markup {
    let codes = ProblemCode::ALL.iter().filter(|code| code.status() == status);
    html! {
        div.scroll tabindex="0" role="group" aria-labelledby={ "status-" (status) } {
            table.codes {
                thead { tr {
                    th scope="col" { (text("pages.problems.code").get(locale)) }
                    th scope="col" { (text("pages.problems.title").get(locale)) }
                    th scope="col" { (text("pages.problems.next").get(locale)) }
                } }
                tbody {
                    @for code in codes {
                        tr {
                            th scope="row" { a href=(code.type_uri()) { code { (code.as_str()) } } }
                            td {
                                strong { (code.title(locale)) }
                                span.under { (code.meaning().get(locale)) }
                            }
                            td.next { (code.next_step().label().get(locale)) }
                        }
                    }
                }
            }
        }
    }
}

fn explanation(code: ProblemCode, locale: Locale) -> Markup {
    let id = format!("text-{}", locale.tag());
    html! {
        section.text lang=(locale.tag()) aria-labelledby=(id) {
            h2.language id=(id) { (locale.own_name()) }
            p.lead { (code.meaning().get(locale)) }
            dl.facts {
                div { dt { (text("pages.problems.status").get(locale)) } dd { (code.status()) } }
                div { dt { (text("pages.problems.next").get(locale)) } dd { (code.next_step().label().get(locale)) } }
            }
            h3 { (text("pages.problems.cause").get(locale)) }
            p { (code.cause().get(locale)) }
            div.remedies {
                div.card.caller {
                    h3 { (text("pages.problems.caller").get(locale)) " " span.alt { (text("pages.problems.caller_hint").get(locale)) } }
                    p { (code.caller().get(locale)) }
                }
                div.card.operator {
                    h3 { (text("pages.problems.operator").get(locale)) }
                    p { (code.operator().get(locale)) }
                }
            }
            (field_table(code, locale))
        }
    }
}

/// The finer codes, on the two pages that readers are sent to for them.
fn field_table(code: ProblemCode, locale: Locale) -> Markup {
    let rows: Vec<(&str, String)> = match code {
        ProblemCode::InvalidIdentifier => IdentifierFault::ALL
            .iter()
            .map(|fault| (fault.as_str(), fault.text().get(locale).to_owned()))
            .collect(),
        ProblemCode::InvalidRequest => FieldCode::ALL
            .iter()
            .map(|field| (field.as_str(), field.general_text().get(locale).to_owned()))
            .collect(),
        _ => return html! {},
    };
    let heading = match code {
        ProblemCode::InvalidIdentifier => text("pages.problems.reasons"),
        _ => text("pages.problems.field_codes"),
    };
    html! {
        h3 { (heading.get(locale)) }
        table.codes {
            thead { tr { th scope="col" { (text("pages.problems.code").get(locale)) } th scope="col" { (text("pages.problems.meaning").get(locale)) } } }
            tbody {
                @for (name, text) in rows {
                    tr { th scope="row" { code { (name) } } td { (text) } }
                }
            }
        }
    }
}

fn example(code: ProblemCode, locale: Locale) -> Markup {
    let document = sample(code).to_value(locale);
    let json = serde_json::to_string_pretty(&document).unwrap_or_default();
    html! {
        section.text aria-labelledby="example" {
            h2.language id="example" { (text("pages.problems.example").get(locale)) }
            pre tabindex="0" role="region" aria-labelledby="example" {
                code {
                    "HTTP/1.1 " (code.status()) " " (reason_phrase(code.status())) "\n"
                    "Content-Type: " (super::CONTENT_TYPE) "\n"
                    "Content-Language: " (locale.tag()) "\n"
                    @if let Some(challenge) = code.challenge() { "WWW-Authenticate: " (challenge) "\n" }
                    @if let Some(seconds) = sample(code).retry_after_s { "Retry-After: " (seconds) "\n" }
                    "\n" (json)
                }
            }
        }
    }
}

/// A made-up occurrence: a wait where waiting helps, a place where a place is wrong.
fn sample(code: ProblemCode) -> ProblemDocument {
    let subject = || ProblemPointer::of(["subject", "id_number"]);
    let claim = || ProblemPointer::of(["claims", "birth_date"]);
    let problem = ProblemDocument::new(code).trace_id("4bf92f3577b34da6a3ce929d0e0e4736");
    let problem = match code.status() {
        429 | 503 => problem.retry_after_s(2),
        _ => problem,
    };
    match code {
        ProblemCode::InvalidIdentifier => {
            let fault = FieldCode::InvalidIdentifier(IdentifierFault::CheckCharacter);
            problem.error(subject(), fault)
        }
        ProblemCode::InvalidRequest => problem
            .error(ProblemPointer::of(["purpose", "item_code"]), FieldCode::MissingMember)
            .error(claim(), FieldCode::InvalidDate),
        ProblemCode::UnknownMember => problem.error(ProblemPointer::of(["claim"]), FieldCode::UnknownMember),
        ProblemCode::MissingMember | ProblemCode::InvalidPurpose => {
            problem.error(ProblemPointer::of(["purpose", "item_code"]), FieldCode::MissingMember)
        }
        ProblemCode::InvalidType => problem.error(subject(), FieldCode::InvalidType(super::JsonType::String)),
        ProblemCode::UnknownField => problem.error(ProblemPointer::of(["claims", "nickname"]), FieldCode::UnknownField),
        ProblemCode::InvalidClaim => problem.error(claim(), FieldCode::InvalidDate),
        ProblemCode::InvalidPredicate => problem.error(claim(), FieldCode::InvalidPredicate),
        ProblemCode::InvalidValue => problem.error(ProblemPointer::of(["max_age_s"]), FieldCode::InvalidValue),
        ProblemCode::ValueTooLong => {
            let too_long = FieldCode::Over(LengthLimit::Bytes(128));
            problem.error(ProblemPointer::of(["purpose", "operator"]), too_long)
        }
        _ => problem,
    }
}

/// Colour family of a badge.
fn family(code: ProblemCode) -> &'static str {
    match code.status() {
        500.. => "server",
        401 | 403 => "access",
        429 => "wait",
        _ => "request",
    }
}

/// Reason phrase of RFC 9110 §15, RFC 6585 and RFC 9457's registry of statuses.
pub(crate) fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::tests::assert_sound;

    #[test]
    fn every_code_has_a_sound_page_with_both_languages() {
        for code in ProblemCode::ALL {
            for locale in Locale::ALL {
                let page = problem_page(*code, locale);
                assert_sound(&page);
                assert!(page.contains(&format!("<html lang=\"{}\">", locale.tag())));
                let first = page.find(&format!("id=\"text-{}\"", locale.tag()));
                let second = page.find(&format!("id=\"text-{}\"", locale.other().tag()));
                assert!(first.is_some() && first < second, "{}", code.as_str());
                let switch = format!("/problems/{}?lang={}", code.as_str(), locale.other().tag());
                assert!(page.contains(&switch));
                assert!(!reason_phrase(code.status()).is_empty());
            }
        }
    }

    #[test]
    fn texts_on_a_page_are_escaped() {
        let page = problem_page(ProblemCode::InvalidPredicate, Locale::En);
        assert!(page.contains("{&quot;op&quot;:&quot;on_or_before&quot;"));
        assert!(!page.contains("{\"op\""));
    }

    #[test]
    fn the_index_links_every_code_once() {
        for locale in Locale::ALL {
            let page = index_page(locale);
            assert_sound(&page);
            for code in ProblemCode::ALL {
                let link = format!("href=\"/problems/{}\"", code.as_str());
                assert_eq!(page.matches(&link).count(), 1, "{link}");
            }
        }
    }

    #[test]
    fn the_example_of_a_code_is_its_own_document() {
        for code in ProblemCode::ALL {
            let document = sample(*code).to_value(Locale::En);
            assert_eq!(document["code"], code.as_str());
            let page = problem_page(*code, Locale::En);
            assert!(page.contains(&format!("HTTP/1.1 {} ", code.status())));
        }
    }
}
