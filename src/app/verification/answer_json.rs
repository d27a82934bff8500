//! Writes the JSON of answers, for HTTP and for the bus straight into a buffer: no tree, no allocation per member.
//! Texts that come from a request are escaped; names from the catalogue and our own words need none and get it anyway.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::verify::{AnswerFreshness, EntryPosition, QuestionJudgement, VerificationAnswer};
use heyan_domain::{label::BilingualLabel, verdict::Verdict};

/// Writes a JSON string.
pub fn put_string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    if has_escape(text.as_bytes()) {
        put_escaped(out, text);
    } else {
        out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
}

/// Whether a byte needs an escape; most texts have none, so eight bytes are looked at in one.
fn has_escape(text: &[u8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    // In these three the high bit of a byte is set where it is below `limit` or equal to `sought`; a borrow can only set
    // more bits behind a byte that is sought itself.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
    let is = |word: u64, sought: u8| below(word ^ (ONES * u64::from(sought)), 1);
    let (words, rest) = text.as_chunks::<8>();
    words.iter().any(|word| {
        let word = u64::from_ne_bytes(*word);
        (below(word, 0x20) | is(word, b'"') | is(word, b'\\')) & HIGH != 0
    }) || rest.iter().any(|byte| is_escaped(*byte))
}

fn is_escaped(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..=0x1f)
}

fn put_escaped(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(position) = rest.iter().position(|byte| is_escaped(*byte)) {
        let (plain, tail) = rest.split_at(position);
        out.extend_from_slice(plain);
        if let Some((byte, tail)) = tail.split_first() {
            match byte {
                b'"' => out.extend_from_slice(b"\\\""),
                b'\\' => out.extend_from_slice(b"\\\\"),
                byte => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            }
            rest = tail;
        }
    }
    out.extend_from_slice(rest);
}

/// Writes a text in both languages as `{"zh":…,"en":…}`.
pub fn put_label(out: &mut Vec<u8>, label: &BilingualLabel) {
    out.extend_from_slice(b"{\"zh\":");
    put_string(out, &label.zh);
    out.extend_from_slice(b",\"en\":");
    put_string(out, &label.en);
    out.push(b'}');
}

/// Writes a number.
pub fn put_number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = number;
    loop {
        start -= 1;
        if let Some(digit) = digits.get_mut(start) {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        }
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

/// Writes the members of one item of a chunk: its id, which is its position in the entry `id`, its judgement and its rules.
pub fn put_item(out: &mut Vec<u8>, id: &[u8], position: usize, judgement: &QuestionJudgement<'_>) {
    out.extend_from_slice(b"\"id\":\"");
    out.extend_from_slice(id);
    out.push(b'-');
    put_number(out, u64::try_from(position).unwrap_or_default());
    out.extend_from_slice(b"\",");
    put_judgement(out, judgement);
    out.push(b',');
    put_rules(out, judgement);
}

/// Writes the members of a whole answer, without braces.
pub fn put_answer(out: &mut Vec<u8>, origin: &str, answer: &VerificationAnswer<'_>) {
    out.extend_from_slice(b"\"id\":\"");
    out.extend_from_slice(&answer.id.text());
    out.extend_from_slice(b"\",");
    put_judgement(out, &answer.judgement);
    out.push(b',');
    put_receipt(out, origin, &answer.entered);
    out.push(b',');
    put_rules(out, &answer.judgement);
}

/// Writes the members of an answer from `outcome` to `mismatch`, without braces.
pub fn put_judgement(out: &mut Vec<u8>, judgement: &QuestionJudgement<'_>) {
    out.extend_from_slice(b"\"outcome\":\"");
    out.extend_from_slice(judgement.outcome.as_str().as_bytes());
    out.extend_from_slice(b"\",");
    put_grounds(out, judgement);
}

/// Writes the members that an outcome rests on, from `fields` to `mismatch`, without braces.
pub fn put_grounds(out: &mut Vec<u8>, judgement: &QuestionJudgement<'_>) {
    out.extend_from_slice(b"\"fields\":{");
    for (position, (name, number, verdict)) in judgement.fields.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        put_string(out, name);
        put_verdict(out, *verdict, judgement.disputed.has(*number));
    }
    out.push(b'}');
    if let Some(record) = &judgement.record {
        out.extend_from_slice(b",\"record\":{\"version\":");
        put_number(out, record.version.into());
        out.extend_from_slice(b",\"as_of\":\"");
        out.extend_from_slice(record.as_of.as_bytes());
        out.extend_from_slice(b"\",\"freshness\":\"");
        out.extend_from_slice(record.freshness.as_str().as_bytes());
        out.push(b'"');
        if let AnswerFreshness::Stale { age_s } = record.freshness {
            out.extend_from_slice(b",\"age_s\":");
            put_number(out, age_s);
        }
        out.push(b'}');
    }
    out.extend_from_slice(b",\"findings\":[");
    for (position, finding) in judgement.findings.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        put_string(out, finding.as_str());
    }
    out.push(b']');
    if let Some(mismatch) = &judgement.mismatch {
        out.extend_from_slice(b",\"mismatch\":{\"id\":");
        put_string(out, &mismatch.id);
        out.extend_from_slice(b",\"due_on\":");
        match &mismatch.due_on {
            Some(date) => put_string(out, date),
            None => out.extend_from_slice(b"null"),
        }
        out.push(b'}');
    }
}

fn put_verdict(out: &mut Vec<u8>, verdict: Verdict, disputed: bool) {
    out.extend_from_slice(b":{\"verdict\":\"");
    out.extend_from_slice(verdict.as_str().as_bytes());
    out.push(b'"');
    for (member, word) in [
        (&b",\"basis\":\""[..], verdict.basis()),
        (&b",\"reason\":\""[..], verdict.reason()),
    ] {
        if let Some(word) = word {
            out.extend_from_slice(member);
            out.extend_from_slice(word.as_bytes());
            out.push(b'"');
        }
    }
    if disputed {
        out.extend_from_slice(b",\"disputed\":true");
    }
    out.push(b'}');
}

/// Writes `"receipt":{…}`.
pub fn put_receipt(out: &mut Vec<u8>, origin: &str, entered: &EntryPosition) {
    out.extend_from_slice(b"\"receipt\":{\"origin\":");
    put_string(out, origin);
    out.extend_from_slice(b",\"index\":");
    put_number(out, entered.index);
    out.extend_from_slice(b",\"leaf\":\"");
    let mut leaf = [0; 44];
    if let Ok(length) = STANDARD.encode_slice(entered.leaf, &mut leaf) {
        out.extend_from_slice(leaf.get(..length).unwrap_or_default());
    }
    out.extend_from_slice(b"\"}");
}

/// Writes `"rules":"…"`.
pub fn put_rules(out: &mut Vec<u8>, judgement: &QuestionJudgement<'_>) {
    out.extend_from_slice(b"\"rules\":");
    put_string(out, &judgement.dataset.rules);
}

#[cfg(test)]
mod tests {
    use crate::verification::answer_json::*;

    #[test]
    fn strings_are_escaped_as_json_wants_them() {
        for text in ["", "王小明", "a\"b\\c", "line\nfeed\u{0}\u{1f}end", "\u{7f}é😀"] {
            // At every place of a word, and behind one.
            for before in 0..17 {
                let text = format!("{}{text} and more", "王".repeat(before / 3) + &"x".repeat(before % 3));
                let mut out = Vec::new();
                put_string(&mut out, &text);
                assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
            }
        }
    }

    #[test]
    fn every_byte_that_wants_an_escape_is_seen_at_every_place() {
        for byte in 0..=u8::MAX {
            for place in 0..19 {
                let mut text = [0xE4; 19];
                text[place] = byte;
                assert_eq!(has_escape(&text), is_escaped(byte), "{byte} at {place}");
            }
        }
    }

    #[test]
    fn numbers_are_written_whole() {
        for number in [0, 9, 10, 1_234, u64::MAX] {
            let mut out = Vec::new();
            put_number(&mut out, number);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }
}
