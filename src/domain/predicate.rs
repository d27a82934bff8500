//! Predicates: claims that disclose no value, such as "born on or before this day".
//! A record too coarse to decide (a month against a day, no county against a county) is for review: nothing is guessed.
//! None holds on a value that its comparator cannot read, `ne` least of all.

use rust_decimal::Decimal;
use thiserror::Error;

use super::compare::{CanonicalValue, DateForm, FieldComparator, ValueForm};
use super::division::{AreaRelation, DivisionChain, NamedArea};
use super::identifier::resident;
use super::verdict::{MatchBasis, ReviewReason, Verdict};

/// The most operands that `one_of` and `within` take.
pub const OPERANDS_MAX: usize = 100;

const HOLDS: Verdict = Verdict::Match(MatchBasis::Predicate);
const UNDECIDED: Verdict = Verdict::Review(ReviewReason::Partial);

/// A predicate over one field, checked when it is made.
///
/// It has no `Debug`: operands are claims.
#[derive(Clone)]
pub struct Predicate {
    test: PredicateTest,
    comparator: FieldComparator,
}

#[derive(Clone)]
enum PredicateTest {
    Equal(Box<str>),
    NotEqual(Box<str>),
    OneOf(Vec<Box<str>>),
    OneOfHolders(Box<str>),
    OnOrBefore(DateForm),
    OnOrAfter(DateForm),
    AtLeast(Decimal),
    AtMost(Decimal),
    Within(Vec<NamedArea>),
}

/// Why a predicate cannot be made; never holds an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidPredicate {
    /// No such operation.
    #[error(
        "the operation is not one of eq, ne, on_or_before, on_or_after, at_least, at_most, one_of, within, one_of_holders"
    )]
    UnknownOperation,
    /// One operand is needed, or 1 to [`OPERANDS_MAX`] for `one_of` and `within`.
    #[error("the operation does not take this many values")]
    OperandCount,
    /// An operand is no date, amount or division.
    #[error("a value of the operation is not of the form that it needs")]
    OperandForm,
    /// The operation has no meaning for the field's comparator.
    #[error("the operation has no meaning for this field")]
    WrongField,
}

impl InvalidPredicate {
    /// The wire code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownOperation => "unknown_operation",
            Self::OperandCount => "operand_count",
            Self::OperandForm => "operand_form",
            Self::WrongField => "wrong_field",
        }
    }
}

impl Predicate {
    /// The operations, as written on the wire.
    pub const OPERATIONS: [&str; 9] = [
        "eq",
        "ne",
        "on_or_before",
        "on_or_after",
        "at_least",
        "at_most",
        "one_of",
        "within",
        "one_of_holders",
    ];

    /// Makes a predicate of an operation and its values for a field's comparator.
    ///
    /// # Errors
    /// [`InvalidPredicate`].
    pub fn new(op: &str, operands: &[&str], comparator: &FieldComparator) -> Result<Self, InvalidPredicate> {
        let several = matches!(op, "one_of" | "within");
        if !Self::OPERATIONS.contains(&op) {
            return Err(InvalidPredicate::UnknownOperation);
        }
        let Some(&first) = operands.first() else {
            return Err(InvalidPredicate::OperandCount);
        };
        if operands.len() > if several { OPERANDS_MAX } else { 1 } {
            return Err(InvalidPredicate::OperandCount);
        }
        let meaningful = match op {
            "on_or_before" | "on_or_after" => comparator.is_date(),
            "at_least" | "at_most" => comparator.is_amount(),
            "within" => comparator.is_place(),
            "one_of_holders" => comparator.is_party(),
            _ => true,
        };
        if !meaningful {
            return Err(InvalidPredicate::WrongField);
        }
        let date = || match comparator.form(first) {
            ValueForm::Date(date) => Ok(date),
            _ => Err(InvalidPredicate::OperandForm),
        };
        let amount = || match comparator.form(first) {
            ValueForm::Amount(amount) => amount.base().ok_or(InvalidPredicate::OperandForm),
            _ => Err(InvalidPredicate::OperandForm),
        };
        let test = match op {
            "eq" => PredicateTest::Equal(first.into()),
            "ne" => PredicateTest::NotEqual(first.into()),
            "one_of_holders" if comparator.holders(first).is_some_and(|count| count == 1) => {
                PredicateTest::OneOfHolders(first.into())
            }
            "one_of_holders" => return Err(InvalidPredicate::OperandForm),
            "on_or_before" => PredicateTest::OnOrBefore(date()?),
            "on_or_after" => PredicateTest::OnOrAfter(date()?),
            "at_least" => PredicateTest::AtLeast(amount()?),
            "at_most" => PredicateTest::AtMost(amount()?),
            "one_of" => PredicateTest::OneOf(operands.iter().map(|&operand| operand.into()).collect()),
            _ => {
                let areas: Option<Vec<NamedArea>> = operands.iter().map(|operand| area(operand)).collect();
                PredicateTest::Within(areas.ok_or(InvalidPredicate::OperandForm)?)
            }
        };
        Ok(Self {
            test,
            comparator: comparator.clone(),
        })
    }

    /// Whether an operand is a date that is no single day: a month, a year.
    pub fn is_coarse(&self) -> bool {
        let is_run = |date: DateForm| date.range().is_some_and(|(first, last)| first != last);
        let is_coarse = |operand: &str| matches!(self.comparator.form(operand), ValueForm::Date(date) if is_run(date));
        match &self.test {
            PredicateTest::OnOrBefore(limit) | PredicateTest::OnOrAfter(limit) => is_run(*limit),
            PredicateTest::Equal(operand) | PredicateTest::NotEqual(operand) => {
                self.comparator.is_date() && is_coarse(operand)
            }
            PredicateTest::OneOf(operands) => {
                self.comparator.is_date() && operands.iter().any(|operand| is_coarse(operand))
            }
            PredicateTest::AtLeast(_)
            | PredicateTest::AtMost(_)
            | PredicateTest::Within(_)
            | PredicateTest::OneOfHolders(_) => false,
        }
    }

    /// Holds the predicate against a record's value.
    pub fn evaluate(&self, record: &CanonicalValue) -> Verdict {
        if record.is_unreadable() {
            return Verdict::Review(ReviewReason::UnreadableRecord);
        }
        match &self.test {
            PredicateTest::Equal(operand) => as_predicate(self.comparator.compare(operand, record)),
            PredicateTest::NotEqual(operand) => match self.comparator.compare(operand, record) {
                Verdict::Match(_) => Verdict::Mismatch,
                Verdict::Mismatch => HOLDS,
                other => other,
            },
            PredicateTest::OneOf(operands) => one_of(operands, |operand| self.comparator.compare(operand, record)),
            PredicateTest::OneOfHolders(operand) => as_predicate(self.comparator.compare_with_holder(operand, record)),
            PredicateTest::OnOrBefore(limit) => with_date(record, |date| on_or_before(date, *limit)),
            PredicateTest::OnOrAfter(limit) => with_date(record, |date| on_or_before(*limit, date)),
            PredicateTest::AtLeast(limit) => with_amount(record, |amount| amount >= *limit),
            PredicateTest::AtMost(limit) => with_amount(record, |amount| amount <= *limit),
            PredicateTest::Within(areas) => within(record, areas),
        }
    }

    /// What is told where there is no record: the same as where every value differs.
    pub fn evaluate_none(&self) -> Verdict {
        match &self.test {
            PredicateTest::Equal(operand) | PredicateTest::NotEqual(operand) | PredicateTest::OneOfHolders(operand) => {
                self.comparator.compare_with_none(operand)
            }
            PredicateTest::OneOf(operands) => one_of(operands, |operand| self.comparator.compare_with_none(operand)),
            _ => Verdict::Mismatch,
        }
    }
}

fn one_of(operands: &[Box<str>], compare: impl Fn(&str) -> Verdict) -> Verdict {
    let verdicts = || operands.iter().map(|operand| compare(operand));
    if verdicts().any(|verdict| matches!(verdict, Verdict::Match(_))) {
        return HOLDS;
    }
    verdicts()
        .find(|verdict| *verdict != Verdict::Mismatch)
        .unwrap_or(Verdict::Mismatch)
}

fn as_predicate(verdict: Verdict) -> Verdict {
    if matches!(verdict, Verdict::Match(_)) {
        HOLDS
    } else {
        verdict
    }
}

fn with_date(record: &CanonicalValue, test: impl Fn(DateForm) -> Verdict) -> Verdict {
    match record.form() {
        ValueForm::Date(date) => test(*date),
        _ => UNDECIDED,
    }
}

fn with_amount(record: &CanonicalValue, test: impl Fn(Decimal) -> bool) -> Verdict {
    let base = match record.form() {
        ValueForm::Amount(amount) => amount.base(),
        _ => None,
    };
    match base.map(test) {
        Some(true) => HOLDS,
        Some(false) => Verdict::Mismatch,
        // Another currency, or no unit.
        None => UNDECIDED,
    }
}

/// Whether `early` is on or before `late`, open-ended being after every date.
fn on_or_before(early: DateForm, late: DateForm) -> Verdict {
    match (early.range(), late.range()) {
        (_, None) => HOLDS,
        (None, Some(_)) if late.is_far() => Verdict::Review(ReviewReason::Sentinel),
        (None, Some(_)) => Verdict::Mismatch,
        _ if early == late => HOLDS,
        (Some((_, last)), Some((first, _))) if last <= first => HOLDS,
        (Some((first, _)), Some((_, last))) if first > last => Verdict::Mismatch,
        _ => UNDECIDED,
    }
}

/// A division by name or code; spaces and width fold.
fn area(operand: &str) -> Option<NamedArea> {
    use super::fold::{CaseFolding, SpaceFolding, text};
    NamedArea::parse(&text(operand, SpaceFolding::Drop, CaseFolding::Upper))
}

fn within(record: &CanonicalValue, areas: &[NamedArea]) -> Verdict {
    let Some(chain) = place(record) else {
        return UNDECIDED;
    };
    let mut answer = Verdict::Mismatch;
    for area in areas {
        match chain.inside(area) {
            AreaRelation::Yes => return HOLDS,
            AreaRelation::Unknown => answer = UNDECIDED,
            AreaRelation::No => {}
        }
    }
    answer
}

/// The division of an address, of a resident number or credit code, or of a text that is a division's name or code.
fn place(record: &CanonicalValue) -> Option<DivisionChain> {
    match record.form() {
        ValueForm::Address(address) => Some(address.head().clone()),
        ValueForm::Number(number, _) if number.len() == 18 => {
            let code = resident::parse(number).ok().and_then(|_| resident::division_of(number));
            code.or_else(|| number.get(2..8)?.parse().ok())
                .map(DivisionChain::of_code)
        }
        _ => {
            let text = record.text();
            // Longer codes are towns and villages; their first six digits are the county.
            let coded = matches!(text.len(), 6 | 9 | 12) && text.bytes().all(|b| b.is_ascii_digit());
            if coded {
                return text.get(..6)?.parse().ok().map(DivisionChain::of_code);
            }
            let (chain, _) = DivisionChain::take(text);
            (!chain.is_empty()).then_some(chain)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const UNDECIDED_CASE: Verdict = Verdict::Review(ReviewReason::Partial);
    const VARIANT: Verdict = Verdict::Review(ReviewReason::Variant);
    const UNREADABLE: Verdict = Verdict::Review(ReviewReason::UnreadableRecord);

    fn check(
        name: &str,
        options: &Value,
        op: &str,
        operands: &[&str],
        record: &str,
    ) -> Result<Verdict, InvalidPredicate> {
        let comparator = FieldComparator::from_options(name, options).unwrap();
        Predicate::new(op, operands, &comparator).map(|predicate| predicate.evaluate(&comparator.canonical(record)))
    }

    fn date(op: &str, operand: &str, record: &str) -> Verdict {
        check("date", &Value::Null, op, &[operand], record).unwrap()
    }

    #[test]
    fn dates_are_held_against_a_limit() {
        assert_eq!(date("on_or_before", "2008-11-22", "2008年11月22日"), HOLDS);
        assert_eq!(date("on_or_before", "2008-11-22", "2008-11-23"), Verdict::Mismatch);
        assert_eq!(date("on_or_after", "20081122", "2008-11-22"), HOLDS);
        assert_eq!(date("on_or_after", "2026-11-22", "2026-07-01"), Verdict::Mismatch);
    }

    #[test]
    fn open_ended_satisfies_every_on_or_after() {
        for record in ["长期", "99991231", "00000000", "永久"] {
            assert_eq!(date("on_or_after", "2026-11-22", record), HOLDS);
            assert_eq!(date("on_or_after", "2099-12-31", record), HOLDS);
            assert_eq!(date("on_or_after", "长期", record), HOLDS);
            assert_eq!(date("on_or_before", "2026-11-22", record), Verdict::Mismatch);
        }
        assert_eq!(
            date("on_or_after", "长期", "2099-12-31"),
            Verdict::Review(ReviewReason::Sentinel)
        );
        assert_eq!(date("on_or_after", "长期", "2030-12-31"), Verdict::Mismatch);
    }

    #[test]
    fn a_month_is_never_guessed_to_be_a_day() {
        assert_eq!(date("on_or_before", "2018-08-15", "2018-08"), UNDECIDED_CASE);
        assert_eq!(date("on_or_after", "2018-08-15", "2018-08"), UNDECIDED_CASE);
        assert_eq!(date("on_or_before", "2018-08-31", "2018-08"), HOLDS);
        assert_eq!(date("on_or_after", "2018-08-01", "2018-08"), HOLDS);
        assert_eq!(date("on_or_before", "2018-07-31", "2018-08"), Verdict::Mismatch);
        assert_eq!(date("on_or_before", "2018-08", "2018-08"), HOLDS);
        assert_eq!(date("on_or_before", "2018-08-15", "not a date"), UNREADABLE);
    }

    #[test]
    fn amounts_are_held_in_the_base_unit() {
        let options = json!({"units": {"元": "1", "万元": "10000"}, "unit": "元", "ignore": ["人民币"]});
        let amount = |op: &str, operand: &str, record: &str| check("amount", &options, op, &[operand], record);
        assert_eq!(amount("at_least", "50万元", "500000元"), Ok(HOLDS));
        assert_eq!(amount("at_least", "50万元", "499999.99元"), Ok(Verdict::Mismatch));
        assert_eq!(amount("at_most", "500000", "50万元人民币"), Ok(HOLDS));
        assert_eq!(amount("at_most", "much", "50万元"), Err(InvalidPredicate::OperandForm));
        assert_eq!(amount("at_most", "500000", "50万美元"), Ok(UNDECIDED_CASE));
    }

    #[test]
    fn equality_and_lists_follow_the_comparator() {
        let name = |op: &str, operands: &[&str], record: &str| {
            check("person_name", &Value::Null, op, operands, record).unwrap()
        };
        assert_eq!(name("eq", &["张　三"], "张三"), HOLDS);
        assert_eq!(name("eq", &["張三"], "张三"), VARIANT);
        assert_eq!(name("ne", &["張三"], "张三"), VARIANT);
        assert_eq!(name("ne", &["李四"], "张三"), HOLDS);
        assert_eq!(name("ne", &["张 三"], "张三"), Verdict::Mismatch);
        assert_eq!(name("one_of", &["李四", "张三"], "张三"), HOLDS);
        assert_eq!(name("one_of", &["李四", "張三"], "张三"), VARIANT);
        assert_eq!(name("one_of", &["李四"], "张三"), Verdict::Mismatch);
    }

    #[test]
    fn one_of_several_holders_is_asked_for_by_name_or_number() {
        let holder =
            |name: &str, operand: &str, record: &str| check(name, &Value::Null, "one_of_holders", &[operand], record);
        assert_eq!(holder("party_name", "孙二", "钱一、孙二"), Ok(HOLDS));
        assert_eq!(holder("party_name", "孙二", "孙二"), Ok(HOLDS));
        assert_eq!(holder("party_name", "孫二", "钱一、孙二"), Ok(UNDECIDED_CASE));
        assert_eq!(holder("party_name", "李三", "钱一、孙二"), Ok(Verdict::Mismatch));
        assert_eq!(holder("party_identifier", "E1", "E2;E1"), Ok(HOLDS));
        assert_eq!(
            holder("party_name", "孙?", "钱一、孙二"),
            Err(InvalidPredicate::OperandForm)
        );
        assert_eq!(
            holder("party_name", "钱一、孙二", "钱一"),
            Err(InvalidPredicate::OperandForm)
        );
        assert_eq!(holder("person_name", "孙二", "孙二"), Err(InvalidPredicate::WrongField));
    }

    #[test]
    fn places_lie_in_divisions_by_code_or_name() {
        let address = |operand: &str, record: &str| check("address", &Value::Null, "within", &[operand], record);
        assert_eq!(address("340202", "安徽省芜湖市镜湖区北京中路2号"), Ok(HOLDS));
        assert_eq!(address("芜湖市", "镜湖区北京中路2号"), Ok(HOLDS));
        assert_eq!(address("湾沚区", "芜湖县湾沚镇1号"), Ok(HOLDS));
        assert_eq!(address("镜湖区", "芜湖市鸠江区1号"), Ok(Verdict::Mismatch));
        assert_eq!(address("镜湖区", "芜湖市北京中路2号"), Ok(UNDECIDED_CASE));
        assert_eq!(
            address("nowhere", "芜湖市北京中路2号"),
            Err(InvalidPredicate::OperandForm)
        );
        let number =
            |operand: &str, record: &str| check("resident_number", &Value::Null, "within", &[operand], record).unwrap();
        assert_eq!(number("湾沚区", "340221196307152032"), HOLDS);
        assert_eq!(number("安徽省", "110105491231002"), Verdict::Mismatch);
        let text = |operand: &str, record: &str| check("text", &Value::Null, "within", &[operand], record).unwrap();
        assert_eq!(text("3402", "340202001"), HOLDS);
    }

    #[test]
    fn predicates_without_meaning_are_refused() {
        let new = |name: &str, op: &str, operands: &[&str]| check(name, &Value::Null, op, operands, "x").map(|_| ());
        assert_eq!(new("text", "like", &["a"]), Err(InvalidPredicate::UnknownOperation));
        assert_eq!(new("text", "eq", &[]), Err(InvalidPredicate::OperandCount));
        assert_eq!(new("text", "eq", &["a", "b"]), Err(InvalidPredicate::OperandCount));
        assert_eq!(
            new("text", "on_or_before", &["2018-08-01"]),
            Err(InvalidPredicate::WrongField)
        );
        assert_eq!(new("date", "at_least", &["1"]), Err(InvalidPredicate::WrongField));
        assert_eq!(
            new("person_name", "within", &["芜湖市"]),
            Err(InvalidPredicate::WrongField)
        );
        assert_eq!(
            new("date", "on_or_before", &["soon"]),
            Err(InvalidPredicate::OperandForm)
        );
        assert_eq!(
            new("text", "one_of", &vec!["a"; 101]),
            Err(InvalidPredicate::OperandCount)
        );
    }
}
