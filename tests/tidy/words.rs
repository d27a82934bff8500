//! Holds every text to `words.toml`: one word per idea, plain sentences, full-width punctuation beside Han.

use super::documents::{CHINESE, Document, documents, prose};
use super::is_han;
use super::law::hold;
use super::source::{Source, declared, files_below, read, root, sources};

/// One word that is not used, with what to write instead.
struct Word {
    word: String,
    instead: String,
    unless: Vec<String>,
}

struct Words {
    chinese: Vec<Word>,
    english: Vec<Word>,
    plain: Vec<Word>,
    names: Vec<Word>,
    /// Files whose literals are data.
    data: Vec<String>,
}

impl Words {
    fn read() -> Self {
        let path = root().join("tests/tidy/words.toml");
        Self::parse(&read(&path))
    }

    fn parse(text: &str) -> Self {
        let table: toml::Table = toml::from_str(text).expect("words.toml");
        let list = |value: Option<&toml::Value>| -> Vec<String> {
            let items = value.and_then(toml::Value::as_array).into_iter().flatten();
            items.filter_map(|v| v.as_str()).map(str::to_lowercase).collect()
        };
        let words = |name: &str| -> Vec<Word> {
            let rows = table.get(name).and_then(toml::Value::as_array).into_iter().flatten();
            rows.map(|row| Word {
                word: row["word"].as_str().expect("a word").to_owned(),
                instead: row["instead"].as_str().expect("what to write instead").to_owned(),
                unless: list(row.get("unless")),
            })
            .collect()
        };
        Self {
            chinese: words("chinese"),
            english: words("english"),
            plain: words("plain"),
            names: words("name"),
            data: list(table.get("punctuation").and_then(|p| p.get("data"))),
        }
    }
}

/// A text that people read: `lines` has code blanked.
struct Text {
    path: String,
    lines: String,
    chinese: bool,
}

/// Comments and literals of src, documents, and what is below `config`.
fn texts(sources: &[Source], documents: &[Document]) -> Vec<Text> {
    let spoken = sources.iter().map(|s| Text {
        path: s.shown(),
        lines: s.prose(),
        chinese: false,
    });
    let written = documents.iter().map(|d| Text {
        path: d.path.clone(),
        lines: prose(&d.text),
        chinese: d.path.ends_with(CHINESE),
    });
    spoken.chain(written).collect()
}

fn config_texts() -> Vec<Text> {
    let files = files_below(&root().join("config"), "toml").into_iter();
    files
        .map(|p| {
            let path = p.strip_prefix(root()).unwrap_or(&p).display().to_string();
            Text {
                chinese: path.starts_with("config/texts/zh"),
                path,
                lines: read(&p),
            }
        })
        .collect()
}

/// Whether `line` (in lower case) has `word` whole and outside the phrases in which it is right.
fn has(line: &str, word: &Word) -> bool {
    let wanted = word.word.to_lowercase();
    if !line.contains(&wanted) {
        return false;
    }
    let mut line = line.to_owned();
    for phrase in &word.unless {
        line = line.replace(phrase.as_str(), " ");
    }
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    line.match_indices(&wanted).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + wanted.len()..]);
        wanted.chars().any(is_han) || !(before.ends_with(is_letter) || after.starts_with(is_letter))
    })
}

fn word_faults(texts: &[Text], sources: &[Source], words: &Words) -> Vec<String> {
    let mut faults = Vec::new();
    for text in texts {
        for (at, line) in text.lines.lines().enumerate() {
            let line = line.to_lowercase();
            for word in words.chinese.iter().chain(&words.english).chain(&words.plain) {
                if has(&line, word) {
                    faults.push(format!("{}:{}: `{}`: {}", text.path, at + 1, word.word, word.instead));
                }
            }
        }
    }
    for source in sources {
        for one in declared(&source.code, &["struct", "enum", "trait", "type", "fn", "mod"]) {
            if let Some(word) = words.names.iter().find(|word| word.word == one.name) {
                let shown = source.shown();
                faults.push(format!("{shown}:{}: `{}`: {}", one.line, word.word, word.instead));
            }
        }
    }
    faults
}

fn punctuation_faults(texts: &[Text], sources: &[Source], words: &Words) -> Vec<String> {
    let mut faults = Vec::new();
    for text in texts.iter().filter(|t| t.chinese) {
        for (at, line) in text.lines.lines().enumerate() {
            if half_width(line) {
                faults.push(format!("{}:{}: {}", text.path, at + 1, line.trim()));
            }
        }
    }
    for source in sources.iter().filter(|s| !words.data.contains(&s.shown())) {
        for (line, text) in &source.strings {
            if half_width(text) && is_chinese(text) {
                faults.push(format!("{}:{line}: {text}", source.shown()));
            }
        }
    }
    faults
}

/// Whether a half-width mark stands directly beside a Han character.
fn half_width(text: &str) -> bool {
    let is_mark = |c: char| matches!(c, ',' | ';' | ':' | '?' | '!' | '(' | ')');
    let next = text.chars().skip(1);
    text.chars()
        .zip(next)
        .any(|(a, b)| (is_mark(a) && is_han(b)) || (is_han(a) && is_mark(b)))
}

/// Whether a text is Chinese rather than English with a Chinese word in it: a Han character says as much as two letters.
fn is_chinese(text: &str) -> bool {
    let han = text.chars().filter(|c| is_han(*c)).count();
    han * 2 >= text.chars().filter(char::is_ascii_alphabetic).count()
}

/// (hits of words, half-width marks beside Han) in the whole tree.
pub(crate) fn counts(sources: &[Source]) -> (usize, usize) {
    let words = Words::read();
    let mut texts = texts(sources, &documents());
    texts.extend(config_texts());
    (
        word_faults(&texts, sources, &words).len(),
        punctuation_faults(&texts, sources, &words).len(),
    )
}

#[test]
fn words_are_plain() {
    let sources = sources();
    let mut texts = texts(sources, &documents());
    texts.extend(config_texts());
    hold("words are plain", &word_faults(&texts, sources, &Words::read()));
}

#[test]
fn han_text_has_full_width_punctuation() {
    let sources = sources();
    let mut texts = texts(sources, &documents());
    texts.extend(config_texts());
    hold(
        "Han text has full-width punctuation",
        &punctuation_faults(&texts, sources, &Words::read()),
    );
}

#[test]
fn the_laws_of_words_see_what_they_should() {
    let words = Words::parse(
        "[[chinese]]\nword = \"未到期\"\ninstead = \"尚未生效\"\n[[english]]\nword = \"license\"\ninstead = \"licence\"\n\
         unless = [\"apache license\"]\n[[plain]]\nword = \"whoever\"\ninstead = \"name who\"\n\
         [[name]]\nword = \"WayIn\"\ninstead = \"LedgerAppender\"\n[punctuation]\ndata = [\"src/x/data.rs\"]\n",
    );
    let code = "/// Whoever calls.\nstruct WayIn;\nfn whoever() { log(\"未到期\"); show(\"第 3 行,错\"); show(\"the item (事项) named\"); }\n";
    let house = [
        Source::example("src/x/a.rs", code),
        Source::example("src/x/data.rs", "const A: &str = \"甲,乙\";"),
    ];
    let papers = [
        Document {
            path: "docs/a.md".into(),
            text: "The Apache License, a license.\n`whoever`, (有效, 注销)\n".into(),
        },
        Document {
            path: "docs/a.zh-CN.md".into(),
            text: "# 甲(乙)\n甲（乙）`丙,丁`，见 [文](x)。\n".into(),
        },
    ];
    let texts = texts(&house, &papers);
    assert_eq!(
        word_faults(&texts, &house, &words),
        [
            "src/x/a.rs:1: `whoever`: name who",
            "src/x/a.rs:3: `未到期`: 尚未生效",
            "docs/a.md:1: `license`: licence",
            "src/x/a.rs:2: `WayIn`: LedgerAppender"
        ]
    );
    assert_eq!(
        punctuation_faults(&texts, &house, &words),
        ["docs/a.zh-CN.md:1: # 甲(乙)", "src/x/a.rs:3: 第 3 行,错"]
    );
}
