//! Renders the small part of CommonMark that descriptions in an OpenAPI document use.
//! Everything is escaped; raw HTML in a description comes out as visible text.

use maud::{Markup, html};

/// Blocks: paragraphs, `- ` lists, fenced code. Inline: `` `code` ``, `**strong**`, links to `http(s)` or to this hub.
pub(super) fn prose(text: &str) -> Markup {
    html! { @for block in blocks(text) { (block.render()) } }
}

/// One line without blocks, for summaries and cells.
pub(super) fn inline(text: &str) -> Markup {
    html! { @for span in spans(text) { (span.render()) } }
}

enum Block {
    Paragraph(String),
    List(Vec<String>),
    Code(String),
}

impl Block {
    fn render(&self) -> Markup {
        match self {
            Self::Paragraph(text) => html! { p { (inline(text)) } },
            Self::List(items) => html! { ul { @for item in items { li { (inline(item)) } } } },
            Self::Code(text) => html! { pre tabindex="0" { code { (text) } } },
        }
    }
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = text.lines();
    let mut fresh = true;
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if trimmed.starts_with("```") {
            let code: Vec<&str> = lines
                .by_ref()
                .take_while(|line| !line.trim().starts_with("```"))
                .collect();
            blocks.push(Block::Code(code.join("\n")));
            fresh = true;
            continue;
        }
        if trimmed.is_empty() {
            fresh = true;
            continue;
        }
        let item = trimmed.strip_prefix("- ").or_else(|| trimmed.strip_prefix("* "));
        let heading = trimmed.trim_start_matches('#').trim();
        match (item, blocks.last_mut()) {
            (Some(item), Some(Block::List(items))) => items.push(item.to_owned()),
            (Some(item), _) => blocks.push(Block::List(vec![item.to_owned()])),
            (None, Some(Block::Paragraph(open))) if !fresh => join_line(open, trimmed),
            (None, Some(Block::List(items))) if !fresh => {
                if let Some(open) = items.last_mut() {
                    join_line(open, trimmed);
                }
            }
            (None, _) if trimmed.starts_with('#') && !heading.is_empty() => {
                blocks.push(Block::Paragraph(format!("**{heading}**")));
            }
            (None, _) => blocks.push(Block::Paragraph(trimmed.to_owned())),
        }
        // A heading never continues in the next line.
        fresh = trimmed.starts_with('#');
    }
    blocks
}

/// Joins a wrapped line: Chinese text takes no space at the seam.
fn join_line(open: &mut String, line: &str) {
    let ascii_seam =
        open.chars().next_back().is_some_and(|c| c.is_ascii()) || line.chars().next().is_some_and(|c| c.is_ascii());
    if ascii_seam {
        open.push(' ');
    }
    open.push_str(line);
}

enum Span<'a> {
    Text(&'a str),
    Code(&'a str),
    Strong(&'a str),
    Link(&'a str, &'a str),
}

impl Span<'_> {
    fn render(&self) -> Markup {
        match self {
            Self::Text(text) => html! { (text) },
            Self::Code(text) => html! { code { (text) } },
            Self::Strong(text) => html! { strong { (inline(text)) } },
            Self::Link(text, target) => html! { a href=(target) { (text) } },
        }
    }
}

fn spans(text: &str) -> Vec<Span<'_>> {
    let mut spans = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some(at) = rest.find(['`', '*', '[']) else {
            spans.push(Span::Text(rest));
            break;
        };
        let (before, marked) = rest.split_at(at);
        if !before.is_empty() {
            spans.push(Span::Text(before));
        }
        let (span, after) = marked_span(marked);
        spans.push(span);
        rest = after;
    }
    spans
}

/// The span that opens at the first byte (one of `` ` ``, `*`, `[`), or that byte as plain text.
fn marked_span(marked: &str) -> (Span<'_>, &str) {
    let found = if let Some(code) = marked.strip_prefix('`') {
        code.split_once('`').map(|(code, after)| (Span::Code(code), after))
    } else if let Some(strong) = marked.strip_prefix("**") {
        strong
            .split_once("**")
            .filter(|(strong, _)| !strong.is_empty() && !strong.contains('\n'))
            .map(|(strong, after)| (Span::Strong(strong), after))
    } else {
        marked.strip_prefix('[').and_then(link)
    };
    found.unwrap_or_else(|| {
        let (plain, after) = marked.split_at(1);
        (Span::Text(plain), after)
    })
}

fn link(text: &str) -> Option<(Span<'_>, &str)> {
    let (label, after) = text.split_once("](")?;
    let (target, after) = after.split_once(')')?;
    let own = target.starts_with('/') && !target.starts_with("//");
    let web = target.starts_with("https://") || target.starts_with("http://");
    (own || web).then_some((Span::Link(label, target), after))
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
    fn raw_html_and_foreign_schemes_stay_text() {
        let page = prose("<script>alert(1)</script> [x](javascript:alert(1)) [y](//evil) [z](/docs)");
        let page = page.into_string();
        assert!(page.starts_with("<p>&lt;script&gt;"));
        assert!(!page.contains("href=\"javascript") && !page.contains("href=\"//"));
        assert!(page.contains("<a href=\"/docs\">z</a>"));
    }

    #[test]
    fn unclosed_marks_are_plain_text_and_nothing_is_lost() {
        for text in [
            "a ` b",
            "**",
            "[",
            "[a](",
            "[a](x)",
            "*a*",
            "`",
            "2 * 3 ** 4",
            "***",
            "核`",
        ] {
            let page = inline(text).into_string();
            assert_eq!(page, text);
        }
    }

    #[test]
    fn wrapped_chinese_lines_join_without_a_space() {
        assert_eq!(prose("核验\n结果").into_string(), "<p>核验结果</p>");
    }
}
