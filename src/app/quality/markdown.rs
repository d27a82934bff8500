//! A week's report as Markdown, in both languages.

use std::{fmt::Write as _, sync::Arc};

use super::sums::{FieldKey, PeriodCounts, PeriodSums, mean_days, rate};
use heyan_catalog::Dataset;
use heyan_domain::verdict::Verdict;
use heyan_texts::{Locale, text};

/// What a report says.
pub(super) struct ReportPage<'a> {
    pub(super) agency: &'a str,
    pub(super) week: &'a str,
    pub(super) range: &'a str,
    pub(super) datasets: &'a [Arc<Dataset>],
    pub(super) now: &'a PeriodSums,
    pub(super) before: &'a PeriodSums,
}

impl ReportPage<'_> {
    pub(super) fn markdown(&self, locale: Locale) -> String {
        let word = |key| text(key).get(locale);
        let mut out = String::new();
        // Writing to a text cannot fail.
        let _written = writeln!(
            out,
            "# {} {}\n\n{} ({})",
            word("quality.title"),
            self.week,
            plain(self.agency),
            self.range
        );
        for dataset in self.datasets {
            let title = dataset.title.get(locale);
            let _written = writeln!(out, "\n## {} ({})\n", plain(title), dataset.name);
            let answers = self.now.answers.iter().filter(|((_, name), _)| *name == *dataset.name);
            let answers: u64 = answers.map(|(_, counts)| counts.0.values().sum::<u64>()).sum();
            if answers == 0 {
                let _written = writeln!(out, "{}", word("quality.nothing"));
            } else {
                let _written = writeln!(out, "{}: {answers}\n", word("quality.answers"));
                self.fields(&mut out, locale, dataset);
            }
            self.steps(&mut out, locale, dataset);
        }
        let _written = writeln!(out, "\n{}", word("quality.note"));
        out
    }

    fn fields(&self, out: &mut String, locale: Locale, dataset: &Dataset) {
        let _written = writeln!(
            out,
            "{}\n|---|--:|--:|--:|--:|--:|--:|",
            text("quality.fields").get(locale)
        );
        let of_dataset = self
            .now
            .fields
            .iter()
            .filter(|((_, name, ..), _)| *name == *dataset.name);
        for ((_, _, rules, number), counts) in of_dataset {
            let same = |((_, _, other, field), _): &(&FieldKey, &PeriodCounts)| other == rules && field == number;
            let before = self.before.fields.iter().find(same).map(|(_, counts)| counts);
            let field = dataset.field(*number).filter(|_| dataset.shares_fields(rules));
            let label = field.map_or_else(|| format!("#{number}"), |field| field.label.get(locale).to_owned());
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

    fn steps(&self, out: &mut String, locale: Locale, dataset: &Dataset) {
        let mut rows = self
            .now
            .steps
            .iter()
            .filter(|((_, name, _), _)| *name == *dataset.name)
            .peekable();
        if rows.peek().is_none() {
            return;
        }
        let _written = writeln!(
            out,
            "\n{}\n|---|--:|--:|--:|--:|--:|--:|--:|",
            text("quality.steps").get(locale)
        );
        for ((_, _, name), steps) in rows {
            let field = dataset.field_number(name).and_then(|number| dataset.field(number));
            let label = field.map_or(name.as_str(), |field| field.label.get(locale));
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

fn percent(counts: Option<&PeriodCounts>) -> String {
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
