//! A small strict reader of XML answers, `<ROW><OUTPUT><ITEM><result_xm>一致</…>`: elements and text become objects of
//! arrays, so that JSON pointers find their way in them.
//! Left out on purpose: document types and so entities of one's own, comments inside, CDATA, mixed content. Attributes and
//! name-space prefixes are passed over. What is not read is an error, never a guess.

use serde_json::{Map, Value};

const DEPTH_MAX: usize = 32;

/// The document as a value: `{"ROW": [{…}]}`; an element without elements is its text.
///
/// # Errors
/// What it holds that is not read.
pub(super) fn parse(text: &str) -> Result<Value, &'static str> {
    let mut reader = Reader {
        rest: text.trim_start_matches('\u{feff}').trim_start(),
    };
    if let Some(after) = reader.rest.strip_prefix("<?xml") {
        let (_declaration, after) = after.split_once("?>").ok_or("an XML declaration without an end")?;
        reader.rest = after.trim_start();
    }
    let mut root = Map::new();
    let (name, value) = reader.element(0)?;
    root.insert(name, Value::Array(vec![value]));
    if reader.rest.trim().is_empty() {
        Ok(Value::Object(root))
    } else {
        Err("something after the XML document")
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// An element from its `<` on.
    fn element(&mut self, depth: usize) -> Result<(String, Value), &'static str> {
        if depth >= DEPTH_MAX {
            return Err("XML too deep");
        }
        self.rest = self.rest.strip_prefix('<').ok_or("no XML element")?;
        let (name, empty) = self.tag()?;
        let value = match empty {
            true => Value::String(String::new()),
            false => self.inside(name, depth)?,
        };
        Ok((local(name).to_owned(), value))
    }

    /// What stands between the tags of `name`, and the closing tag.
    fn inside(&mut self, name: &str, depth: usize) -> Result<Value, &'static str> {
        let mut children: Map<String, Value> = Map::new();
        let mut text = String::new();
        loop {
            let at = self.rest.find('<').ok_or("an XML element without an end")?;
            let (before, after) = self.rest.split_at(at);
            unescape(before, &mut text)?;
            self.rest = after;
            if let Some(closing) = after.strip_prefix("</") {
                let (written, after) = closing.split_once('>').ok_or("an XML tag without an end")?;
                if written.trim_end() != name {
                    return Err("XML elements that overlap");
                }
                self.rest = after;
                break;
            }
            let (child, value) = self.element(depth + 1)?;
            match children.entry(child).or_insert_with(|| Value::Array(Vec::new())) {
                Value::Array(all) => all.push(value),
                _ => return Err("XML that cannot be"),
            }
        }
        match (children.is_empty(), text.trim().is_empty()) {
            (true, _) => Ok(Value::String(text)),
            (false, true) => Ok(Value::Object(children)),
            (false, false) => Err("XML text between elements"),
        }
    }

    /// The inside of an opening tag: its name, and whether it closes itself.
    fn tag(&mut self) -> Result<(&'a str, bool), &'static str> {
        let end = self
            .rest
            .find(|c: char| c.is_whitespace() || c == '>' || c == '/')
            .ok_or("an XML tag without an end")?;
        let (name, after) = self.rest.split_at(end);
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || "_-.:".contains(c)) {
            return Err("no name of an XML element");
        }
        self.rest = after.trim_start();
        loop {
            if let Some(after) = self.rest.strip_prefix("/>") {
                self.rest = after;
                return Ok((name, true));
            }
            if let Some(after) = self.rest.strip_prefix('>') {
                self.rest = after;
                return Ok((name, false));
            }
            let (attribute, after) = self.rest.split_once('=').ok_or("a broken XML attribute")?;
            if attribute.is_empty() || attribute.contains(['<', '>', '"', '\'', '/']) {
                return Err("a broken XML attribute");
            }
            let after = after.trim_start();
            let quote = after
                .chars()
                .next()
                .filter(|c| ['"', '\''].contains(c))
                .ok_or("a broken XML attribute")?;
            let inside = after.get(1..).unwrap_or_default();
            let (value, after) = inside.split_once(quote).ok_or("a broken XML attribute")?;
            if value.contains('<') {
                return Err("a broken XML attribute");
            }
            self.rest = after.trim_start();
        }
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_prefix, local)| local)
}

/// Text with the five entities and character references.
fn unescape(text: &str, into: &mut String) -> Result<(), &'static str> {
    let mut rest = text;
    while let Some((before, from)) = rest.split_once('&') {
        into.push_str(before);
        let (name, after) = from.split_once(';').ok_or("a broken XML entity")?;
        into.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = name.strip_prefix('#').ok_or("an unknown XML entity")?;
                let code = match number.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => number.parse(),
                };
                code.ok()
                    .and_then(char::from_u32)
                    .filter(|c| *c != '\0')
                    .ok_or("a broken XML entity")?
            }
        });
        rest = after;
    }
    into.push_str(rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::source::xml::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn elements_become_arrays_by_name() {
        let text = "<?xml version=\"1.0\" encoding=\"GBK\"?>\n<s:ROWS a='1' b = \"x>y\"><ROW no=\"1\"><INPUT/>\
                    <OUTPUT><ITEM><n>一致</n></ITEM><ITEM><n>&lt;&#x4e00;&amp;</n></ITEM></OUTPUT></ROW></s:ROWS>\n";
        assert_eq!(
            parse(text).unwrap(),
            json!({"ROWS": [{"ROW": [{"INPUT": [""], "OUTPUT": [{"ITEM": [{"n": ["一致"]}, {"n": ["<一&"]}]}]}]}]})
        );
    }

    #[test]
    fn what_is_not_read_is_refused() {
        for text in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a>x<b/></a>",
            "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
            "<a>&e;</a>",
            "<a>&#0;</a>",
            "<a><![CDATA[x]]></a>",
            "<a><!-- x --></a>",
            "<a b=c/>",
            "<a b='<'/>",
            "<a b/>",
            "< a/>",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let deep = "<a>".repeat(100_000);
        assert_eq!(parse(&deep).unwrap_err(), "XML too deep");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[<>/a-c'\"=&;! \\n]{0,80}") {
            let _ = parse(&text);
        }
    }
}
