//! Status words of registers, each vocabulary mapped to states by `config/reference/licence_status.csv`.
//! A word that its vocabulary lacks maps to nothing: a state is never guessed from a word that looks like another.

use std::{collections::HashMap, sync::LazyLock};

use super::LicenceStanding;
use crate::fold::{self, CaseFolding, SpaceFolding};

const TABLE: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../config/reference/licence_status.csv"
));

crate::words! {
    /// What was done when a version of a licence was made (操作类型). 延续, 变更 and 转入 name the version before.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum VersionOperation {
        /// 新发.
        Issue = "issue",
        /// 延续.
        Renew = "renew",
        /// 变更.
        Change = "change",
        /// 转入.
        Transfer = "transfer",
        /// 暂扣.
        Suspend = "suspend",
        /// 过期失效.
        Expire = "expire",
        /// 注销.
        Cancel = "cancel",
        /// 暂扣发还, 取消转出.
        Restore = "restore",
        /// 其他.
        Other = "other",
    }
}

/// The words of one register.
#[derive(Default)]
pub struct StatusWords {
    states: HashMap<Box<str>, LicenceStanding, ahash::RandomState>,
    operations: HashMap<Box<str>, VersionOperation, ahash::RandomState>,
}

static VOCABULARIES: LazyLock<HashMap<&str, StatusWords, ahash::RandomState>> = LazyLock::new(parse);

impl StatusWords {
    /// The vocabulary of a name in the table.
    pub fn named(name: &str) -> Option<&'static Self> {
        VOCABULARIES.get(name)
    }

    /// The state that a code or word stands for.
    pub fn state(&self, raw: &str) -> Option<LicenceStanding> {
        self.states.get(folded(raw).as_str()).copied()
    }

    /// The operation that a code or word stands for.
    pub fn operation(&self, raw: &str) -> Option<VersionOperation> {
        self.operations.get(folded(raw).as_str()).copied()
    }
}

/// Width, case and space fold; 01 and 1 are one code.
fn folded(raw: &str) -> String {
    let text = fold::text(raw, SpaceFolding::Drop, CaseFolding::Lower);
    let bare = text.trim_start_matches('0');
    match !bare.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => bare.to_owned(),
        false => text.into_owned(),
    }
}

fn parse() -> HashMap<&'static str, StatusWords, ahash::RandomState> {
    let mut all: HashMap<&str, StatusWords, ahash::RandomState> = HashMap::default();
    for line in TABLE.lines().skip(1) {
        let mut columns = line.split(',');
        let mut next = || columns.next().unwrap_or_default();
        let (name, kind, code, word, meaning) = (next(), next(), next(), next(), next());
        let vocabulary = all.entry(name).or_default();
        for raw in [code, word].into_iter().filter(|raw| !raw.is_empty()) {
            match (kind, LicenceStanding::parse(meaning), VersionOperation::parse(meaning)) {
                ("status", Some(state), _) => {
                    vocabulary.states.insert(folded(raw).into(), state);
                }
                ("operation", _, Some(operation)) => {
                    vocabulary.operations.insert(folded(raw).into(), operation);
                }
                // The tests count the rows.
                _ => {}
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_has_a_meaning() {
        let mut rows = 0;
        for line in TABLE.lines().skip(1) {
            let columns: Vec<&str> = line.split(',').collect();
            let [name, kind, code, word, meaning] = columns[..] else {
                panic!("{line}");
            };
            let vocabulary = StatusWords::named(name).unwrap();
            for raw in [code, word].into_iter().filter(|raw| !raw.is_empty()) {
                let found = match kind {
                    "status" => vocabulary.state(raw).map(LicenceStanding::as_str),
                    _ => vocabulary.operation(raw).map(VersionOperation::as_str),
                };
                assert_eq!(found, Some(meaning), "{line}");
            }
            rows += 1;
        }
        assert_eq!(rows, 22);
    }

    #[test]
    fn a_word_means_what_its_own_register_means() {
        let housing = StatusWords::named("housing").unwrap();
        let estate = StatusWords::named("real_estate").unwrap();
        for (raw, state) in [
            ("01", Some(LicenceStanding::Valid)),
            ("1", Some(LicenceStanding::Valid)),
            ("０１", Some(LicenceStanding::Valid)),
            (" 有效 ", Some(LicenceStanding::Valid)),
            ("2", Some(LicenceStanding::Suspended)),
            ("吊销", Some(LicenceStanding::Revoked)),
            ("撤销", Some(LicenceStanding::Revoked)),
            ("现势", None),
            ("08", None),
            ("", None),
        ] {
            assert_eq!(housing.state(raw), state, "{raw}");
        }
        assert_eq!(estate.state("2"), Some(LicenceStanding::Cancelled));
        assert_eq!(estate.state("01"), Some(LicenceStanding::Valid));
        assert_eq!(housing.operation("8"), Some(VersionOperation::Transfer));
        assert_eq!(
            StatusWords::named("national").unwrap().state("u"),
            Some(LicenceStanding::Unknown)
        );
        assert!(StatusWords::named("nobody").is_none());
    }
}
