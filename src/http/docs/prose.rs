//! Renders descriptions of the OpenAPI document, which are CommonMark, as HTML.
//! Everything is escaped; raw HTML in a description comes out as visible text, and so does a link elsewhere than to
//! `http(s)` or to this hub.

use maud::{Markup, PreEscaped, Render as _};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

/// Paragraphs, lists and code with what stands in their lines.
pub(super) fn prose(text: &str) -> Markup {
    render(text, ProseForm::Blocks)
}

/// One line without blocks, for summaries and cells.
pub(super) fn inline(text: &str) -> Markup {
    render(text, ProseForm::Inline)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ProseForm {
    Blocks,
    Inline,
}

fn render(source: &str, form: ProseForm) -> Markup {
    let mut page = ProsePage::default();
    for (event, range) in Parser::new(source).into_offset_iter() {
        match event {
            Event::Start(Tag::Strong) => page.mark("<strong>"),
            Event::End(TagEnd::Strong) => page.mark("</strong>"),
            Event::Start(Tag::Emphasis) => page.mark("<em>"),
            Event::End(TagEnd::Emphasis) => page.mark("</em>"),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => page.open_link(&dest_url),
            Event::End(TagEnd::Link | TagEnd::Image) => page.close_link(),
            Event::Code(code) => {
                page.mark("<code>");
                page.text(&code);
                page.mark("</code>");
            }
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => page.text(&text),
            Event::SoftBreak | Event::HardBreak => page.seam = true,
            Event::Rule if form == ProseForm::Inline => page.text(source.get(range).unwrap_or_default()),
            Event::Rule => page.mark("<hr>"),
            Event::Start(tag) if form == ProseForm::Blocks => page.open_block(&tag),
            Event::End(tag) if form == ProseForm::Blocks => page.close_block(tag),
            // Blocks inside a line, and extensions that are not turned on.
            _ => {}
        }
    }
    PreEscaped(page.html)
}

#[derive(Default)]
struct ProsePage {
    html: String,
    /// A line ended, and what follows it is not known yet.
    seam: bool,
    /// Targets of open links that are shown as text.
    plain_links: Vec<Option<String>>,
}

impl ProsePage {
    fn mark(&mut self, tag: &str) {
        self.join('<');
        self.html.push_str(tag);
    }

    fn text(&mut self, text: &str) {
        if let Some(first) = text.chars().next() {
            self.join(first);
        }
        text.render_to(&mut self.html);
    }

    /// Joins a wrapped line: Chinese text takes no space at the seam.
    fn join(&mut self, next: char) {
        let ascii = next.is_ascii() || self.html.ends_with(|last: char| last.is_ascii());
        if std::mem::take(&mut self.seam) && ascii {
            self.html.push(' ');
        }
    }

    fn open_link(&mut self, target: &str) {
        let own = target.starts_with('/') && !target.starts_with("//");
        if own || target.starts_with("https://") || target.starts_with("http://") {
            self.mark("<a href=\"");
            target.render_to(&mut self.html);
            self.html.push_str("\">");
            self.plain_links.push(None);
        } else {
            self.text("[");
            self.plain_links.push(Some(target.to_owned()));
        }
    }

    fn close_link(&mut self) {
        match self.plain_links.pop().flatten() {
            Some(target) => self.text(&format!("]({target})")),
            None => self.mark("</a>"),
        }
    }

    fn open_block(&mut self, tag: &Tag<'_>) {
        self.html.push_str(match tag {
            Tag::Paragraph | Tag::HtmlBlock => "<p>",
            Tag::Heading { .. } => "<p><strong>",
            Tag::CodeBlock(_) => "<pre tabindex=\"0\"><code>",
            Tag::List(None) => "<ul>",
            Tag::List(Some(_)) => "<ol>",
            Tag::Item => "<li>",
            Tag::BlockQuote(_) => "<blockquote>",
            _ => "",
        });
    }

    fn close_block(&mut self, tag: TagEnd) {
        if matches!(tag, TagEnd::CodeBlock | TagEnd::HtmlBlock) {
            self.html.truncate(self.html.trim_end().len());
        }
        self.html.push_str(match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => "</p>",
            TagEnd::Heading(_) => "</strong></p>",
            TagEnd::CodeBlock => "</code></pre>",
            TagEnd::List(false) => "</ul>",
            TagEnd::List(true) => "</ol>",
            TagEnd::Item => "</li>",
            TagEnd::BlockQuote(_) => "</blockquote>",
            _ => "",
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_lists_code_and_inline_marks_are_rendered() {
        let text =
            "One `a<b>` and **bold**.\nSame line.\n\n- first\n- second\n  more\n\n```\nx & y\n```\n## Head\nTail";
        let expected = "<p>One <code>a&lt;b&gt;</code> and <strong>bold</strong>. Same line.</p>\
            <ul><li>first</li><li>second more</li></ul>\
            <pre tabindex=\"0\"><code>x &amp; y</code></pre>\
            <p><strong>Head</strong></p><p>Tail</p>";
        assert_eq!(prose(text).into_string(), expected);
    }

    #[test]
    fn emphasis_numbered_and_nested_lists_and_escapes_are_rendered() {
        let text = "1. *one*\n2. two\n   - in\n\n> said\n\na\\*b &amp; [x\\]](/a?b=1&c=\"2)";
        let expected = "<ol><li><em>one</em></li><li>two<ul><li>in</li></ul></li></ol>\
            <blockquote><p>said</p></blockquote>\
            <p>a*b &amp; <a href=\"/a?b=1&amp;c=&quot;2\">x]</a></p>";
        assert_eq!(prose(text).into_string(), expected);
    }

    #[test]
    fn raw_html_and_foreign_schemes_stay_text() {
        let page = prose("a <script>alert(1)</script> [x](javascript:alert(1)) [y](//evil) ![z](data:x) [z](/docs)");
        let page = page.into_string();
        assert!(page.starts_with("<p>a &lt;script&gt;"));
        assert!(!page.contains("href=\"javascript") && !page.contains("href=\"//") && !page.contains("<img"));
        assert!(page.contains("<a href=\"/docs\">z</a>"));
        let block = prose("<script>alert(1)</script>\n<b>x</b>").into_string();
        assert_eq!(
            block,
            "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p><p>&lt;b&gt;x&lt;/b&gt;</p>"
        );
    }

    #[test]
    fn unclosed_marks_are_plain_text_and_nothing_is_lost() {
        for text in ["a ` b", "**", "[", "[a](", "[a](x)", "`", "2 * 3 ** 4", "***", "核`"] {
            let page = inline(text).into_string();
            assert_eq!(page, text);
        }
    }

    #[test]
    fn wrapped_chinese_lines_join_without_a_space() {
        assert_eq!(prose("核验\n结果").into_string(), "<p>核验结果</p>");
    }
}
