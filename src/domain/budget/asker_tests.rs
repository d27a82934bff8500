//! One agency over many subjects: where it is stopped, and where it is not.

use super::*;

const LIMITS: AskerLimits = AskerLimits {
    subjects_day_max: 5,
    subjects_30_days_max: 12,
    subjects_percent: 50,
    locks_day_max: 2,
};
const DAY: i32 = 20_000;

fn wrong(tally: &AskerTally, subjects: std::ops::Range<u64>, day: i32) -> usize {
    let counted = subjects.filter(|subject| tally.count_wrong(&LIMITS, *subject, day) == CountedSubject::New);
    counted.count()
}

#[test]
fn at_the_ceiling_nothing_is_told_of_another_subject_right_or_wrong() {
    let tally = AskerTally::default();
    assert!(tally.admits(&LIMITS, 99, DAY));
    assert_eq!(wrong(&tally, 0..100, DAY), 5);
    assert!(!tally.admits(&LIMITS, 99, DAY));
    assert_eq!(tally.count_wrong(&LIMITS, 99, DAY), CountedSubject::Refused);
    // A second try about who was counted is answered.
    assert!(tally.admits(&LIMITS, 3, DAY));
    assert_eq!(tally.count_wrong(&LIMITS, 3, DAY), CountedSubject::Known);
    assert!(
        !tally.admits(&LIMITS, 99, DAY - 7),
        "a clock set back gives nothing back"
    );
    assert!(tally.admits(&LIMITS, 99, DAY + 1), "the next day");
}

#[test]
fn thirty_days_have_a_ceiling_of_their_own_and_end() {
    let tally = AskerTally::default();
    let counted: Vec<usize> = (0..4)
        .map(|day| wrong(&tally, (day * 100) as u64..(day * 100 + 100) as u64, DAY + day))
        .collect();
    assert_eq!(counted, [5, 5, 2, 0]);
    assert_eq!(wrong(&tally, 900..1_000, DAY + 29), 0);
    assert_eq!(wrong(&tally, 900..1_000, DAY + 30), 5, "the first day is forgotten");
    assert!(tally.wrong()[1] <= LIMITS.subjects_30_days_max);
}

#[test]
fn who_is_right_about_many_may_be_wrong_about_more() {
    let tally = AskerTally::default();
    (1_000..1_100).for_each(|subject| tally.count_right(subject, DAY));
    // Once each, however often it is asked.
    (1_000..1_100).for_each(|subject| tally.count_right(subject, DAY));
    assert_eq!(tally.ceilings(&LIMITS), [55, 62]);
    assert_eq!(wrong(&tally, 0..1_000, DAY), 55);
    assert_eq!(tally.ceilings(&LIMITS)[0], 55);
    assert!(tally.admits(&LIMITS, 5_000, DAY + 1));
    assert_eq!(
        tally.ceilings(&LIMITS),
        [5, 62],
        "the right ones of yesterday count in thirty days"
    );
    assert_eq!(wrong(&tally, 2_000..3_000, DAY + 1), 5);
}

#[test]
fn an_agency_that_locks_subjects_is_stopped_for_the_day() {
    let tally = AskerTally::default();
    tally.count_locked(1, DAY);
    tally.count_locked(1, DAY);
    assert!(tally.admits(&LIMITS, 3, DAY) && !tally.is_news(&LIMITS, DAY));
    tally.count_locked(2, DAY);
    assert!(!tally.admits(&LIMITS, 3, DAY) && tally.is_news(&LIMITS, DAY));
    tally.alerted(DAY);
    assert!(!tally.is_news(&LIMITS, DAY), "one alert a day");
    assert!(tally.admits(&LIMITS, 3, DAY + 1));
}

#[test]
fn a_start_forgets_neither_wrong_subjects_nor_how_many_were_right() {
    let tally = AskerTally::default();
    for subject in 0..40 {
        tally.restore(subject, DAY - 1, DAY);
        tally.restore(subject, DAY - 3, DAY);
    }
    (40..60).for_each(|subject| tally.restore(subject, DAY, DAY));
    tally.restore(70, DAY - 30, DAY);
    assert_eq!(tally.wrong(), [20, 60]);
    assert!(!tally.admits(&LIMITS, 99, DAY));
    tally.restore_right(DAY, 50, DAY);
    tally.restore_right(DAY - 29, 60, DAY);
    tally.restore_right(DAY - 30, 1_000, DAY);
    assert_eq!(tally.ceilings(&LIMITS), [30, 67]);
    assert_eq!(wrong(&tally, 100..200, DAY), 7, "the longer window is the narrower one");
    assert_eq!(tally.ceilings(&LIMITS), [30, 67]);
    assert!(tally.admits(&LIMITS, 99, DAY + 40));
    assert_eq!(tally.ceilings(&LIMITS), [5, 12]);
}

#[test]
fn nodes_add_up_the_subjects_that_were_right() {
    let (here, there) = (AskerTally::default(), AskerTally::default());
    let mut store = std::collections::BTreeMap::new();
    let mut round = |today: i32| {
        for node in [&here, &there] {
            for (day, subjects) in node.drain_right() {
                *store.entry(day).or_insert(0) += subjects;
            }
        }
        for node in [&here, &there] {
            store
                .iter()
                .for_each(|(day, subjects)| node.restore_right(*day, *subjects, today));
        }
    };
    (0..10).for_each(|subject| here.count_right(subject, DAY));
    (10..40).for_each(|subject| there.count_right(subject, DAY));
    round(DAY);
    assert_eq!(here.ceilings(&LIMITS), [25, 32]);
    assert_eq!(there.ceilings(&LIMITS), [25, 32]);
    // What is not saved at midnight is saved for its day.
    (40..60).for_each(|subject| here.count_right(subject, DAY));
    here.count_right(1, DAY + 1);
    round(DAY + 1);
    round(DAY + 1);
    assert_eq!(here.ceilings(&LIMITS), [5, 42]);
    assert_eq!(there.ceilings(&LIMITS), [5, 42]);
}

#[test]
fn a_crowd_is_counted_one_by_one() {
    let tally = AskerTally::default();
    let counted: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|n| {
                scope.spawn({
                    let tally = &tally;
                    move || wrong(tally, n * 100..n * 100 + 100, DAY)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(counted, 5);
}
