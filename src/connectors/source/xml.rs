//! XML answers as values, `<ROW><OUTPUT><ITEM><result_xm>一致</…>`: elements and text become objects of arrays, so that JSON
//! pointers find their way in them. Comments are passed over, CDATA is text, and text beside elements is the member `#text`.
//! Document types are refused, and so is every entity but the five of XML: no answer can grow while it is read. Attributes
//! and name-space prefixes are passed over.

use quick_xml::{
    Reader,
    escape::resolve_xml_entity,
    events::{BytesRef, BytesStart, Event},
};
use serde_json::{Map, Value};

const DEPTH_MAX: usize = 32;

/// Member of an element's text beside its elements; no element can have this name.
const TEXT: &str = "#text";

/// The document as a value: `{"ROW": [{…}]}`; an element without elements is its text.
///
/// # Errors
/// The text is not one well-formed XML document, is nested too deeply, or has a document type.
pub(super) fn parse(text: &str) -> Result<Value, &'static str> {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}').trim_start());
    let (mut open, mut root, mut first) = (Vec::<OpenElement>::new(), None, true);
    loop {
        match reader.read_event().map_err(|_| "malformed XML")? {
            Event::Start(tag) if open.len() < DEPTH_MAX => open.push(OpenElement::opened_by(&tag)?),
            Event::Start(_) => return Err("XML too deep"),
            Event::Empty(tag) => put(OpenElement::opened_by(&tag)?, &mut open, &mut root)?,
            Event::End(_) => {
                let element = open.pop().ok_or("malformed XML")?;
                put(element, &mut open, &mut root)?;
            }
            Event::Text(text) => add_text(&text.xml10_content(), &mut open)?,
            Event::CData(data) => match open.last_mut() {
                Some(element) => element.text.push_str(&data.xml10_content()),
                None => return Err("XML text outside of the document"),
            },
            Event::GeneralRef(reference) => match open.last_mut() {
                Some(element) => element.text.push_str(referred(&reference)?.encode_utf8(&mut [0; 4])),
                None => return Err("XML text outside of the document"),
            },
            Event::Comment(_) => {}
            Event::Decl(_) if first => {}
            Event::Decl(_) => return Err("an XML declaration inside the document"),
            Event::DocType(_) => return Err("an XML document type"),
            Event::PI(_) => return Err("an XML processing instruction"),
            Event::Eof if open.is_empty() => break,
            Event::Eof => return Err("an XML element without an end"),
        }
        first = false;
    }
    let (name, value) = root.ok_or("no XML element")?;
    Ok(Value::Object(Map::from_iter([(name, Value::Array(vec![value]))])))
}

/// An element that is not closed yet.
struct OpenElement {
    /// Without its prefix.
    name: String,
    children: Map<String, Value>,
    text: String,
}

impl OpenElement {
    fn opened_by(tag: &BytesStart<'_>) -> Result<Self, &'static str> {
        let name = tag.name().0;
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || "_-.:".contains(c)) {
            return Err("no name of an XML element");
        }
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|_| "a broken XML attribute")?;
            if attribute.value.contains('<') {
                return Err("a broken XML attribute");
            }
        }
        Ok(Self {
            name: tag.local_name().as_ref().to_owned(),
            children: Map::new(),
            text: String::new(),
        })
    }

    fn into_value(self) -> Value {
        let Self { mut children, text, .. } = self;
        if children.is_empty() {
            return Value::String(text);
        }
        if !text.trim().is_empty() {
            children.insert(TEXT.to_owned(), Value::String(text.trim().to_owned()));
        }
        Value::Object(children)
    }
}

/// Gives an element that is closed to its parent, or makes it the root.
fn put(element: OpenElement, open: &mut [OpenElement], root: &mut Option<(String, Value)>) -> Result<(), &'static str> {
    let (name, value) = (element.name.clone(), element.into_value());
    let Some(parent) = open.last_mut() else {
        return match root.replace((name, value)) {
            None => Ok(()),
            Some(_) => Err("something after the XML document"),
        };
    };
    match parent.children.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
        Value::Array(all) => all.push(value),
        _ => return Err("malformed XML"),
    }
    Ok(())
}

fn add_text(text: &str, open: &mut [OpenElement]) -> Result<(), &'static str> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err("XML text outside of the document"),
    }
    Ok(())
}

/// The character of a reference: by its number, or one of the five entities.
fn referred(reference: &BytesRef<'_>) -> Result<char, &'static str> {
    if let Some(character) = reference.resolve_char_ref().map_err(|_| "a broken XML entity")? {
        return Ok(character);
    }
    resolve_xml_entity(reference)
        .and_then(|text| text.chars().next())
        .ok_or("an unknown XML entity")
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
            "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
            "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
            "<a/><!DOCTYPE a>",
            "<a><!DOCTYPE a></a>",
            "<a>&e;</a>",
            "<a>&#0;</a>",
            "<a b=c/>",
            "<a b='<'/>",
            "<a b/>",
            "<a b='1' b='2'/>",
            "<a>&amp</a>",
            "<a>&</a>",
            "<a/>x",
            "x<a/>",
            "<a/>&lt;",
            "<a/><![CDATA[x]]>",
            "<a><![CDATA[x</a>",
            "<a><!-- x</a>",
            "<a></a></a>",
            "<a></ab>",
            "<a>&#xd800;</a>",
            "<a><?xml version='1.0'?></a>",
            "<?run this?><a/>",
            "< a/>",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let deep = "<a>".repeat(100_000);
        assert_eq!(parse(&deep).unwrap_err(), "XML too deep");
    }

    #[test]
    fn comments_are_passed_over_wherever_they_stand() {
        let text =
            "<?xml version='1.0'?><!-- of 2026 --><a><!-- <b>no</b> & -->一<!---->二<c/><!-- x --></a><!-- end -->\n";
        assert_eq!(parse(text).unwrap(), json!({"a": [{"c": [""], "#text": "一二"}]}));
        assert_eq!(parse("<a>一<!-- x -->二</a>").unwrap(), json!({"a": ["一二"]}));
    }

    #[test]
    fn cdata_is_text_as_it_stands() {
        let text = "<a><n> <![CDATA[<b>&amp; & ]]>&amp;<![CDATA[]]>一</n></a>";
        assert_eq!(parse(text).unwrap(), json!({"a": [{"n": [" <b>&amp; & &一"]}]}));
    }

    #[test]
    fn text_beside_elements_is_kept_with_them() {
        assert_eq!(
            parse("<a>\n  芜湖市<b>一致</b>\n  <b/>镜湖区\n</a>").unwrap(),
            json!({"a": [{"b": ["一致", ""], "#text": "芜湖市\n  镜湖区"}]})
        );
        assert_eq!(
            parse("<a>\n  <b>一致</b>\n</a>").unwrap(),
            json!({"a": [{"b": ["一致"]}]}),
            "white space between elements is none"
        );
    }

    #[test]
    fn entities_of_its_own_do_not_let_an_answer_grow() {
        let mut bomb = "<!DOCTYPE a [<!ENTITY x0 'ha'>".to_owned();
        for at in 1..30 {
            bomb.push_str(&format!("<!ENTITY x{at} '&x{0};&x{0};'>", at - 1));
        }
        bomb.push_str("]><a>&x29;</a>");
        assert_eq!(parse(&bomb).unwrap_err(), "an XML document type");
        assert_eq!(parse("<a>&x29;</a>").unwrap_err(), "an unknown XML entity");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[<>/a-c'\"=&;!?\\[\\]# \\n-]{0,80}") {
            let _ = parse(&text);
        }
    }
}
