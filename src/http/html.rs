//! Frame of the hub's static pages: head, top bar with language switch, foot, and the one stylesheet.
//! No script and no inline style anywhere: the pages work under `CONTENT_SECURITY_POLICY` and without a network.

use maud::{DOCTYPE, Markup, html};

use heyan_texts::{Locale, text};

/// Where the stylesheet is served.
pub const STYLESHEET_PATH: &str = "/assets/site.css";
/// The stylesheet, `text/css; charset=utf-8`.
pub const STYLESHEET: &str = include_str!("assets/site.css");
/// Media type of the pages.
pub const CONTENT_TYPE: &str = "text/html; charset=utf-8";
/// `Content-Security-Policy` under which the pages work.
pub const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Which page of the top bar is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageSection {
    /// `/docs`
    Docs,
    /// `/problems`
    Problems,
}

/// What differs from page to page.
pub(crate) struct PageFrame<'a> {
    /// Language of the frame and of `<html lang>`.
    pub(crate) locale: Locale,
    /// Title of the window.
    pub(crate) title: &'a str,
    /// Own path, for the language switch.
    pub(crate) path: &'a str,
    /// Highlighted entry of the top bar.
    pub(crate) section: PageSection,
    /// Class of `<body>`: chooses the layout in the stylesheet.
    pub(crate) layout: &'static str,
}

/// A whole document around `body`.
pub(crate) fn page(frame: &PageFrame<'_>, body: &Markup) -> String {
    let locale = frame.locale;
    let other = locale.other();
    html! {
        (DOCTYPE)
        html lang=(locale.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (frame.title) " · heyan" }
                link rel="stylesheet" href=(STYLESHEET_PATH);
            }
            body class=(frame.layout) {
                a.skip href="#main" { (text("pages.frame.skip").get(locale)) }
                header.top {
                    div.top-in {
                        a.brand href="/docs" { span.seal aria-hidden="true" { "核" } (text("pages.frame.brand").get(locale)) }
                        nav aria-label=(text("pages.frame.site_nav").get(locale)) {
                            (entry("/docs", text("pages.frame.docs").get(locale), frame.section == Section::Docs))
                            (entry("/problems", text("pages.frame.problems").get(locale), frame.section == Section::Problems))
                            a href="/openapi.json" { "OpenAPI" }
                        }
                        a.lang href={ (frame.path) "?lang=" (other.tag()) } hreflang=(other.tag()) lang=(other.tag()) rel="alternate" {
                            (other.own_name())
                        }
                    }
                }
                (body)
                footer.foot { p { (text("pages.frame.foot").get(locale)) } }
            }
        }
    }
    .into_string()
}

fn entry(path: &str, label: &str, here: bool) -> Markup {
    html! {
        a href=(path) aria-current=[here.then_some("page")] { (label) }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What a page must not have, and must have, whatever it shows.
    pub(crate) fn assert_sound(page: &str) {
        assert!(page.starts_with("<!DOCTYPE html>"));
        for banned in ["<script", " style=", "<style", "javascript:", " onclick", "http-equiv"] {
            assert!(!page.contains(banned), "page holds {banned}");
        }
        assert_eq!(page.matches("<h1").count(), 1, "one heading of the first level");
        assert_eq!(page.matches("<main").count(), 1);
        assert!(page.contains("href=\"/assets/site.css\""));
        let mut ids = std::collections::HashSet::new();
        for part in page.split(" id=\"").skip(1) {
            let id = part.split('"').next().unwrap();
            assert!(ids.insert(id), "id {id} twice");
        }
        for part in page.split("href=\"#").skip(1) {
            let id = part.split('"').next().unwrap();
            assert!(ids.contains(id), "link to missing #{id}");
        }
        for tag in [
            "section", "div", "table", "ul", "ol", "nav", "main", "details", "p", "dl", "pre",
        ] {
            let opened = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
            let closed = page.matches(&format!("</{tag}>")).count();
            assert_eq!(opened, closed, "unbalanced {tag}");
        }
    }

    #[test]
    fn the_title_of_a_page_is_escaped() {
        let frame = PageFrame {
            locale: Locale::En,
            title: "</title><b>",
            path: "/problems",
            section: PageSection::Problems,
            layout: "plain",
        };
        let page = page(&frame, &html! { main id="main" { h1 { "x" } } });
        assert!(page.contains("&lt;/title&gt;&lt;b&gt; · heyan"));
        assert_sound(&page);
    }

    #[test]
    fn the_stylesheet_loads_nothing_and_fits_dark_and_print() {
        for banned in ["url(", "@import", "expression("] {
            assert!(!STYLESHEET.contains(banned), "stylesheet holds {banned}");
        }
        for wanted in ["prefers-color-scheme: dark", "@media print", "prefers-reduced-motion"] {
            assert!(STYLESHEET.contains(wanted), "stylesheet lacks {wanted}");
        }
        assert_eq!(STYLESHEET.matches('{').count(), STYLESHEET.matches('}').count());
    }
}
