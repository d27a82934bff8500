//! Each detector by itself, with facts made by hand.

use std::sync::Arc;

use super::moment::forget_oldest;
use super::*;
use crate::{label::BilingualLabel, verdict::Outcome};

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;

/// Monday, 2 March 2026, midnight in China.
const MONDAY_US: i64 = 1_772_380_800_000_000;

fn rule(kind: RuleKind) -> Arc<Rule> {
    Arc::new(Rule {
        id: "rule".to_owned(),
        class: RuleClass::IntegrityRisk,
        kind,
        mode: RuleMode::On,
        severity: AlertSeverity::High,
        scope: RuleScope::default(),
        title: BilingualLabel::of("规则", Some("rule")),
        remedy: BilingualLabel::of("处置", Some("remedy")),
    })
}

/// A supervisor of one rule, and what it has found.
struct Desk {
    supervisor: Supervisor,
    found: Vec<SupervisionFinding>,
    index: u64,
}

impl Desk {
    fn new(kind: RuleKind) -> Self {
        Self {
            supervisor: Supervisor::new(&[rule(kind)]),
            found: Vec::new(),
            index: 0,
        }
    }

    fn eat(&mut self, at_us: i64, agency: u32, what: FactKind) -> usize {
        let fact = LedgerFact {
            at_us,
            seen: SeenEntry {
                node: 1,
                index: self.index,
            },
            agency,
            agency_id: format!("agency-{agency}").into(),
            what,
        };
        self.index += 1;
        self.supervisor.eat(&fact, WorkingCalendar::shipped(), &mut self.found);
        self.found.len()
    }

    fn look_up(&mut self, at_us: i64, agency: u32, operator: u64, subject: u128, outcome: Outcome) -> usize {
        let matter = self.index;
        self.eat(
            at_us,
            agency,
            FactKind::LookUp(look_up(operator, subject, matter, outcome)),
        )
    }

    fn advance(&mut self, now_us: i64) -> usize {
        self.supervisor
            .advance(now_us, WorkingCalendar::shipped(), &mut self.found);
        self.found.len()
    }

    fn count(&self, name: &str) -> i64 {
        let counts = &self.found.last().unwrap().counts;
        counts.iter().find(|(known, _)| *known == name).unwrap().1
    }

    /// The same desk after a restart.
    fn restarted(self, kind: RuleKind) -> Self {
        let kept = self.supervisor.kept().unwrap();
        let snapshot = serde_json::from_slice(&kept).unwrap();
        Self {
            supervisor: Supervisor::restore(&[rule(kind)], snapshot),
            ..self
        }
    }
}

fn look_up(operator: u64, subject: u128, matter: u64, outcome: Outcome) -> LookUp {
    LookUp {
        dataset: "natural-person".into(),
        item: "item-1".into(),
        // The half that tells subjects apart is the first one.
        subject: (subject << 64) | subject,
        matter,
        operator,
        outcome,
        wrong: match outcome {
            Outcome::NotFound => [NO_RECORD].into(),
            Outcome::Mismatched | Outcome::Review => [0].into(),
            _ => Box::default(),
        },
        demands_paper: false,
    }
}

fn guessing() -> RuleKind {
    RuleKind::Guessing(GuessingRule {
        window_h: 24,
        wrong_min: 6,
    })
}

#[test]
fn guessing_is_found_at_its_limit_and_told_again_when_it_has_doubled() {
    let mut desk = Desk::new(guessing());
    for n in 0..5 {
        assert_eq!(desk.look_up(MONDAY_US + n, 1, 7, 9, Outcome::Mismatched), 0);
    }
    assert_eq!(desk.look_up(MONDAY_US + 5, 1, 7, 9, Outcome::Verified), 0, "not wrong");
    assert_eq!(
        desk.look_up(MONDAY_US + 6, 2, 7, 9, Outcome::Mismatched),
        0,
        "another agency"
    );
    assert_eq!(desk.look_up(MONDAY_US + 7, 1, 7, 9, Outcome::Review), 1);
    for n in 8..13 {
        assert_eq!(desk.look_up(MONDAY_US + n, 1, 7, 9, Outcome::Review), 1);
    }
    assert_eq!(desk.look_up(MONDAY_US + 13, 1, 7, 9, Outcome::Mismatched), 2);
    assert_eq!(desk.found[0].once, desk.found[1].once, "one alert");
    assert_eq!(
        (desk.found[0].evidence.entries, desk.found[1].evidence.entries),
        (6, 12)
    );
    let again = MONDAY_US + 3 * DAY_US;
    for n in 0..6 {
        desk.look_up(again + n, 1, 7, 9, Outcome::Mismatched);
    }
    assert_eq!(desk.found.len(), 3);
    assert_ne!(desk.found[2].once, desk.found[0].once, "another time, another alert");
}

#[test]
fn mending_several_materials_is_no_guessing() {
    let mut desk = Desk::new(guessing());
    let mut wrong = |at: i64, fields: &[u8]| {
        let claimed = LookUp {
            wrong: fields.into(),
            ..look_up(1, 2, 3, Outcome::Mismatched)
        };
        desk.eat(MONDAY_US + at, 1, FactKind::LookUp(claimed))
    };
    for n in 0..5 {
        for field in 0..3 {
            assert_eq!(wrong(3 * n + i64::from(field), &[field]), 0, "five times each");
        }
    }
    assert_eq!(wrong(20, &[NO_RECORD]), 0);
    assert_eq!(wrong(21, &[3, 1]), 1, "the sixth time of one of them");
    assert_eq!(desk.found[0].evidence.entries, 6);
}

#[test]
fn a_restart_neither_forgets_nor_doubles() {
    let mut desk = Desk::new(guessing());
    for n in 0..5 {
        desk.look_up(MONDAY_US + n, 1, 7, 9, Outcome::Mismatched);
    }
    let mut desk = desk.restarted(guessing());
    assert_eq!(desk.look_up(MONDAY_US + 6, 1, 7, 9, Outcome::Mismatched), 1);
    let mut desk = desk.restarted(guessing());
    assert_eq!(desk.look_up(MONDAY_US + 7, 1, 7, 9, Outcome::Mismatched), 1);
    assert_eq!(desk.supervisor.standings()[0].found, 1);
}

fn many_subjects() -> RuleKind {
    RuleKind::ManySubjects(ManySubjects {
        subjects_min: 100,
        factor_percent: 300,
        learning_days: 3,
    })
}

/// Subjects of `operator` on day `day`, beginning at nine in the morning.
fn work(desk: &mut Desk, day: i64, operator: u64, subjects: u128) -> usize {
    for n in 0..subjects {
        let at_us = MONDAY_US + day * DAY_US + 9 * HOUR_US + i64::try_from(n).unwrap() * 1_000_000;
        desk.look_up(at_us, 1, operator, 1_000 * n + u128::from(operator), Outcome::Verified);
    }
    desk.found.len()
}

#[test]
fn a_busy_operator_is_usual_and_a_sudden_crowd_is_not() {
    let mut desk = Desk::new(many_subjects());
    for day in 0..5 {
        assert_eq!(work(&mut desk, day, 1, 300), 0, "busy each day, and watched at first");
        assert_eq!(work(&mut desk, day, 2, 40), 0);
    }
    assert_eq!(work(&mut desk, 6, 1, 700), 0, "not three times as many");
    assert!(work(&mut desk, 7, 3, 950) > 0, "a newcomer is held against his agency");
    assert_eq!(desk.found[0].about.operator, Some(3));
    assert_eq!(desk.found[0].evidence.seen.len(), EVIDENCE_MAX);
}

#[test]
fn a_name_that_changes_with_every_call_hides_nobody() {
    let mut desk = Desk::new(many_subjects());
    assert!((0..5).all(|day| work(&mut desk, day, 1, 40) == 0));
    let at_us = MONDAY_US + 6 * DAY_US + 9 * HOUR_US;
    let found = (0..400).map(|n| desk.look_up(at_us, 1, 1_000 + n, n.into(), Outcome::Verified));
    assert!(found.max() > Some(0) && desk.found.iter().all(|found| found.about.operator.is_none()));
}

#[test]
fn a_saturday_shift_is_held_against_saturdays_and_not_against_nights() {
    let kind = RuleKind::OffHours(OffHours {
        begin_h: 7,
        end_h: 20,
        subjects_min: 40,
        factor_percent: 300,
        learning_days: 8,
    });
    let mut desk = Desk::new(kind);
    for day in 0..27_i64 {
        let subjects: u32 = match day % 7 {
            5 => 60,
            6 => 2,
            _ => 3,
        };
        for n in 0..subjects {
            let hour = if day % 7 < 5 { 21 } else { 9 };
            let at_us = MONDAY_US + day * DAY_US + hour * HOUR_US + i64::from(n) * 1_000_000;
            desk.look_up(at_us, 1, 1, u128::from(n), Outcome::Verified);
        }
    }
    assert_eq!(desk.found.len(), 0);
    for n in 0..60_u32 {
        let at_us = MONDAY_US + 28 * DAY_US + 22 * HOUR_US + i64::from(n);
        desk.look_up(at_us, 1, 1, u128::from(n), Outcome::Verified);
    }
    assert_eq!(desk.found.len(), 1, "as many at night are not usual");
}

#[test]
fn off_hours_follow_the_notice_of_days_off_and_not_the_week() {
    let kind = RuleKind::OffHours(OffHours {
        begin_h: 7,
        end_h: 20,
        subjects_min: 40,
        factor_percent: 300,
        learning_days: 1,
    });
    let mut desk = Desk::new(kind);
    // Seen on two days before.
    desk.look_up(MONDAY_US + 9 * HOUR_US, 1, 1, 1, Outcome::Verified);
    desk.look_up(MONDAY_US + DAY_US + 9 * HOUR_US, 1, 1, 1, Outcome::Verified);
    let night = |desk: &mut Desk, begin_us: i64| {
        for n in 0..45_u32 {
            desk.look_up(
                begin_us + i64::from(n) * 60_000_000,
                1,
                1,
                u128::from(n) + 1,
                Outcome::Verified,
            );
        }
        desk.found.len()
    };
    let wednesday = MONDAY_US + 2 * DAY_US;
    assert_eq!(night(&mut desk, wednesday + 9 * HOUR_US), 0, "a working day");
    assert_eq!(
        night(&mut desk, wednesday + 23 * HOUR_US + HOUR_US / 2),
        1,
        "over midnight it is one night"
    );
    // 2026-05-09 is a Saturday that is worked for the days off of 1 May.
    let worked_saturday = MONDAY_US + 68 * DAY_US;
    assert_eq!(night(&mut desk, worked_saturday + 9 * HOUR_US), 1);
    assert_eq!(night(&mut desk, worked_saturday + DAY_US + 9 * HOUR_US), 2, "Sunday");
    let unknown_year = MONDAY_US + 1_000 * DAY_US;
    assert_eq!(
        night(&mut desk, unknown_year + 2 * HOUR_US),
        2,
        "no guess about years without a notice"
    );
}

#[test]
fn a_subject_of_many_agencies_is_found_within_the_window_alone() {
    let kind = RuleKind::ManyAgencies(ManyAgencies {
        window_h: 72,
        agencies_min: 4,
    });
    let mut desk = Desk::new(kind);
    for agency in 1..=6_u32 {
        let at_us = MONDAY_US + i64::from(agency) * 30 * HOUR_US;
        assert_eq!(
            desk.look_up(at_us, agency, 1, 5, Outcome::Verified),
            0,
            "three in 72 hours"
        );
    }
    let later = MONDAY_US + 20 * DAY_US;
    for agency in [1, 1, 2, 3] {
        assert_eq!(desk.look_up(later, agency, 1, 5, Outcome::Verified), 0);
    }
    assert_eq!(desk.look_up(later + HOUR_US, 4, 1, 5, Outcome::Verified), 1);
    assert_eq!(desk.count("agencies"), 4);
}

fn mismatch_rate() -> RuleKind {
    RuleKind::MismatchRate(MismatchRate {
        lookups_min: 40,
        change_percent_min: 10.0,
        sigma_units_min: 5.0,
        baseline_days: 28,
        learning_days: 5,
    })
}

/// A day with `wrong` mismatches among `all` look-ups.
fn rate_day(desk: &mut Desk, day: i64, all: u32, wrong: u32) -> usize {
    for n in 0..all {
        let at_us = MONDAY_US + day * DAY_US + 9 * HOUR_US + i64::from(n) * 1_000_000;
        // Spread over the day.
        let is_wrong = (n + 1) * wrong / all > n * wrong / all;
        let outcome = if is_wrong {
            Outcome::Mismatched
        } else {
            Outcome::Verified
        };
        desk.look_up(at_us, 1, 1, u128::from(n), outcome);
    }
    desk.advance(MONDAY_US + (day + 1) * DAY_US);
    desk.found.len()
}

#[test]
fn a_change_of_the_share_of_mismatches_is_held_against_the_agencys_own_days() {
    let mut desk = Desk::new(mismatch_rate());
    for (day, wrong) in [6, 4, 7, 5, 3, 8].into_iter().enumerate() {
        assert_eq!(rate_day(&mut desk, i64::try_from(day).unwrap(), 200, wrong), 0);
    }
    assert_eq!(rate_day(&mut desk, 6, 200, 14), 0, "seven in a hundred is a bad day");
    assert_eq!(rate_day(&mut desk, 7, 200, 60), 1);
    assert_eq!(desk.found[0].about.dataset.as_deref(), Some("natural-person"));
    assert_eq!(rate_day(&mut desk, 8, 20, 12), 1, "too few to say");
    assert_eq!(
        rate_day(&mut desk, 9, 200, 5),
        1,
        "the bad day is not remembered as ordinary"
    );
}

#[test]
fn an_agency_of_ups_and_downs_must_rise_further() {
    let mut desk = Desk::new(mismatch_rate());
    for (day, wrong) in [4, 44, 8, 50, 10, 40, 6, 48].into_iter().enumerate() {
        rate_day(&mut desk, i64::try_from(day).unwrap(), 200, wrong);
    }
    let usual = desk.found.len();
    assert_eq!(rate_day(&mut desk, 9, 200, 56), usual);
}

#[test]
fn a_share_that_falls_to_nothing_is_found_when_the_day_is_over() {
    let mut desk = Desk::new(mismatch_rate());
    for day in 0..6 {
        assert_eq!(rate_day(&mut desk, day, 200, 60), 0);
    }
    assert_eq!(rate_day(&mut desk, 6, 200, 0), 1);
}

#[test]
fn applications_that_never_come_are_held_against_the_agencys_others() {
    let limits = NoApplication {
        after_days: 15,
        matters_min: 8,
        change_percent_min: 10.0,
        sigma_units_min: 5.0,
    };
    let mut desk = Desk::new(RuleKind::NoApplication(limits));
    desk.eat(MONDAY_US, 1, FactKind::Application { matter: 0 });
    for n in 1..=400_u64 {
        let at_us = MONDAY_US + i64::try_from(n).unwrap() * 60_000_000;
        let matter = 10_000 + n;
        let operator = n % 4;
        desk.eat(
            at_us,
            1,
            FactKind::LookUp(look_up(operator, u128::from(n), matter, Outcome::Verified)),
        );
        // One in forty asks and does not apply; of the third operator's, every second.
        if n % 40 != 0 && !(operator == 3 && n % 8 == 3) {
            desk.eat(at_us + HOUR_US, 1, FactKind::Application { matter });
        }
        // An agency that reports nothing is not judged.
        desk.eat(
            at_us,
            2,
            FactKind::LookUp(look_up(operator, u128::from(n), matter + 50_000, Outcome::Verified)),
        );
    }
    assert_eq!(desk.advance(MONDAY_US + 14 * DAY_US), 0);
    assert_eq!(desk.advance(MONDAY_US + 17 * DAY_US), 1);
    assert_eq!(desk.found[0].about.operator, Some(3));
    assert_eq!(desk.count("applications"), 100);
}

#[test]
fn a_mismatch_is_overdue_once_a_step_and_unresolved_once() {
    let step = |number: u32, due_day: Option<i32>, is_over: bool| {
        FactKind::Step(StepFact {
            mismatch: "mis_1".to_owned(),
            number,
            dataset: "natural-person".into(),
            subject: 3,
            due_day,
            is_over,
        })
    };
    let today = china_day(MONDAY_US);
    let mut desk = Desk::new(RuleKind::Overdue);
    desk.eat(MONDAY_US, 1, step(1, Some(today + 5), false));
    assert_eq!(desk.advance(MONDAY_US + 5 * DAY_US), 0, "until the end of the day");
    assert_eq!(desk.advance(MONDAY_US + 6 * DAY_US), 1);
    assert_eq!(desk.found[0].once, "rule:mis_1:1");
    assert_eq!(desk.advance(MONDAY_US + 7 * DAY_US), 1);
    desk.eat(MONDAY_US + 8 * DAY_US, 1, step(2, Some(today + 10), false));
    assert_eq!(desk.advance(MONDAY_US + 12 * DAY_US), 2);
    desk.eat(MONDAY_US + 12 * DAY_US, 1, step(3, None, true));
    assert_eq!(desk.advance(MONDAY_US + 90 * DAY_US), 2);

    let mut desk = Desk::new(RuleKind::Unresolved(UnresolvedRule { after_days: 60 }));
    desk.eat(MONDAY_US, 1, step(1, None, false));
    desk.eat(MONDAY_US + 30 * DAY_US, 1, step(2, None, false));
    assert_eq!(desk.advance(MONDAY_US + 59 * DAY_US), 0);
    assert_eq!(desk.advance(MONDAY_US + 60 * DAY_US), 1);
    assert_eq!(desk.found[0].evidence.entries, 2);
    assert_eq!(desk.advance(MONDAY_US + 90 * DAY_US), 1);
}

#[test]
fn paper_is_told_once_a_month_for_an_item() {
    let mut desk = Desk::new(RuleKind::PaperDemanded(PaperDemanded { lookups_min: 2 }));
    let asks = |desk: &mut Desk, at_us: i64| {
        let demanded = LookUp {
            demands_paper: true,
            ..look_up(1, 2, 3, Outcome::Verified)
        };
        desk.eat(at_us, 1, FactKind::LookUp(demanded))
    };
    assert_eq!(asks(&mut desk, MONDAY_US), 0);
    assert_eq!(asks(&mut desk, MONDAY_US), 1);
    assert_eq!(asks(&mut desk, MONDAY_US + 40 * DAY_US), 1);
    assert_eq!(asks(&mut desk, MONDAY_US + 40 * DAY_US), 2);
}

#[test]
fn a_scope_includes_and_excepts() {
    let fact = |agency: &str, item: &str| LedgerFact {
        at_us: 0,
        seen: SeenEntry { node: 1, index: 0 },
        agency: 1,
        agency_id: agency.into(),
        what: FactKind::LookUp(LookUp {
            item: item.into(),
            ..look_up(1, 1, 1, Outcome::Verified)
        }),
    };
    let scope = RuleScope {
        datasets: vec!["natural-person".to_owned()],
        except_agencies: vec!["online".to_owned()],
        except_items: vec!["joined-up".to_owned()],
        ..RuleScope::default()
    };
    assert!(scope.holds(&fact("hrss", "item-1")));
    assert!(!scope.holds(&fact("online", "item-1")));
    assert!(!scope.holds(&fact("hrss", "joined-up")));
    let elsewhere = RuleScope {
        datasets: vec!["e-licence".to_owned()],
        ..RuleScope::default()
    };
    assert!(!elsewhere.holds(&fact("hrss", "item-1")));
}

#[test]
fn what_is_too_much_to_keep_is_forgotten_oldest_first_and_counted() {
    let mut map: std::collections::BTreeMap<u32, i64> = (0..1_100).map(|n| (n, i64::from(n))).collect();
    assert_eq!(forget_oldest(&mut map, 1_000, |at| *at), 200);
    assert_eq!(map.keys().next(), Some(&200));
    let mut all_alike: std::collections::BTreeMap<u32, i64> = (0..1_100).map(|n| (n, 5)).collect();
    assert_eq!(forget_oldest(&mut all_alike, 1_000, |at| *at), 200);
    assert_eq!(all_alike.len(), 900);
}
