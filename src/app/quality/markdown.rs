//! A week's report as Markdown, in both languages.

use std::{fmt::Write as _, sync::Arc};

use super::sums::{Counts, FieldKey, Sums, mean_days, rate};
use heyan_catalog::Dataset;
use heyan_domain::verdict::Verdict;

/// The words of a report in one language.
pub(super) struct Words {
    title: &'static str,
    answers: &'static str,
    nothing: &'static str,
    fields: &'static str,
    steps: &'static str,
    note: &'static str,
    title_of: fn(&Dataset) -> (&str, bool),
}

pub(super) const ZH: Words = Words {
    title: "数据质量周报",
    answers: "核验次数",
    nothing: "本周没有核验。",
    fields: "| 字段 | 已比对 | 不一致 | 不一致率 | 上周 | 待复核 | 无此项 |",
    steps: "| 字段 | 新增差异 | 提出更正 | 已更正 | 维持原记录 | 自行消除 | 以记录为准 | 平均决定天数 |",
    note: "不一致率 = 不一致 ÷ 已比对（一致、待复核、不一致）。按存证条目的时间（北京时间）统计，不含任何个人信息。",
    title_of: |dataset| (&dataset.title.zh, true),
};

pub(super) const EN: Words = Words {
    title: "Data quality, weekly report",
    answers: "Verifications",
    nothing: "Nothing was verified this week.",
    fields: "| Field | Compared | Mismatches | Rate | Week before | Review | Absent |",
    steps: "| Field | Opened | Proposed | Corrected | Record upheld | Settled | Record accepted | Days to decide |",
    note: "Rate = mismatches ÷ compared (match, review, mismatch). Counted by the time of the ledger entries (China); nothing about a person is in it.",
    title_of: |dataset| (&dataset.title.en, false),
};

/// What a report says.
pub(super) struct Page<'a> {
    pub(super) agency: &'a str,
    pub(super) week: &'a str,
    pub(super) range: &'a str,
    pub(super) datasets: &'a [Arc<Dataset>],
    pub(super) now: &'a Sums,
    pub(super) before: &'a Sums,
}

impl Page<'_> {
    pub(super) fn markdown(&self, words: &Words) -> String {
        let mut out = String::new();
        // Writing to a text cannot fail.
        let _written = writeln!(
            out,
            "# {} {}\n\n{} ({})",
            words.title,
            self.week,
            plain(self.agency),
            self.range
        );
        for dataset in self.datasets {
            let (title, is_zh) = (words.title_of)(dataset);
            let _written = writeln!(out, "\n## {} ({})\n", plain(title), dataset.name);
            let answers = self.now.answers.iter().filter(|((_, name), _)| *name == *dataset.name);
            let answers: u64 = answers.map(|(_, counts)| counts.0.values().sum::<u64>()).sum();
            if answers == 0 {
                let _written = writeln!(out, "{}", words.nothing);
            } else {
                let _written = writeln!(out, "{}: {answers}\n", words.answers);
                self.fields(&mut out, words, dataset, is_zh);
            }
            self.steps(&mut out, words, dataset, is_zh);
        }
        let _written = writeln!(out, "\n{}", words.note);
        out
    }

    fn fields(&self, out: &mut String, words: &Words, dataset: &Dataset, is_zh: bool) {
        let _written = writeln!(out, "{}\n|---|--:|--:|--:|--:|--:|--:|", words.fields);
        let of_dataset = self
            .now
            .fields
            .iter()
            .filter(|((_, name, ..), _)| *name == *dataset.name);
        for ((_, _, rules, number), counts) in of_dataset {
            let same = |((_, _, other, field), _): &(&FieldKey, &Counts)| other == rules && field == number;
            let before = self.before.fields.iter().find(same).map(|(_, counts)| counts);
            let field = dataset.field(*number).filter(|_| dataset.shares_fields(rules));
            let label = field.map_or_else(
                || format!("#{number}"),
                |field| {
                    if is_zh {
                        field.label.zh.to_string()
                    } else {
                        field.label.en.to_string()
                    }
                },
            );
            let _written = writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} | {} |",
                plain(&label),
                counts.compared(),
                counts.mismatches(),
                percent(Some(counts)),
                percent(before),
                counts.verdicts(|verdict| matches!(verdict, Verdict::Review(_))),
                counts.verdicts(|verdict| verdict == Verdict::Absent),
            );
        }
    }

    fn steps(&self, out: &mut String, words: &Words, dataset: &Dataset, is_zh: bool) {
        let mut rows = self
            .now
            .steps
            .iter()
            .filter(|((_, name, _), _)| *name == *dataset.name)
            .peekable();
        if rows.peek().is_none() {
            return;
        }
        let _written = writeln!(out, "\n{}\n|---|--:|--:|--:|--:|--:|--:|--:|", words.steps);
        for ((_, _, name), steps) in rows {
            let field = dataset.field_number(name).and_then(|number| dataset.field(number));
            let label = field.map_or(
                name.as_str(),
                |field| if is_zh { &field.label.zh } else { &field.label.en },
            );
            let count = |word: &str| steps.get(word).map_or(0, |(count, _)| *count);
            let _written = writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                plain(label),
                count("opened"),
                count("proposed"),
                count("corrected"),
                count("upheld"),
                count("settled"),
                count("accepted"),
                mean_days(steps).map_or_else(|| "–".to_owned(), |days| format!("{days:.1}")),
            );
        }
    }
}

fn percent(counts: Option<&Counts>) -> String {
    let rate = counts.and_then(|counts| rate(counts.mismatches(), counts.compared()));
    rate.map_or_else(|| "–".to_owned(), |rate| format!("{:.2} %", rate * 100.0))
}

/// A name as plain text of a table: names come from registers of agencies.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '|' | '<' | '>' | '*' | '_' | '`' | '[' | ']' | '#' | '\\' => ' ',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect()
}
