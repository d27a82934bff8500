//! The forty anomalies among the ordinary look-ups: what each is, and how large, is told by its own words, not by the limits of the rules.

use heyan::domain::verdict::Outcome;

use super::city::{Ask, DAY_US, HOUR_US, Maker, Planted, paper_item};

impl Maker<'_> {
    fn planted(&mut self, rule: &'static str, told: String) -> Option<usize> {
        self.planted.push(Planted { rule, told });
        Some(self.planted.len() - 1)
    }

    fn office(&mut self) -> u32 {
        self.chance.between(1, 19) as u32
    }

    fn ask(&mut self, number: u32, at_us: i64) -> Ask {
        Ask {
            at_us,
            agency: number,
            clerk: self.clerk(number),
            matter: self.matter(),
            item: format!("item-{number}-0"),
            dataset: 0,
            subject: 1_000_000 + self.chance.below(900_000_000),
            field: 0,
            outcome: Outcome::Verified,
        }
    }

    pub(super) fn plant(&mut self) {
        for _ in 0..5 {
            self.plant_off_hours();
            self.plant_many_subjects();
            self.plant_many_agencies();
            self.plant_guessing();
            self.plant_rate();
            self.plant_overdue();
        }
        for _ in 0..4 {
            self.plant_no_application();
        }
        for n in 0..3 {
            self.plant_paper(n);
            self.plant_unresolved();
        }
        assert_eq!(self.planted.len(), 40);
    }

    /// Fifty to a hundred and fifty persons between nine at night and two.
    fn plant_off_hours(&mut self) {
        let (number, day) = (self.office(), self.chance.between(9, 29));
        let clerk = self.clerk(number);
        let begin = self.start_us + day * DAY_US + 21 * HOUR_US;
        let planted = self.planted("off_hours_bulk", format!("{number} {clerk} day {day}"));
        for _ in 0..self.chance.between(50, 150) {
            let at_us = begin + self.chance.below(5 * HOUR_US as u64) as i64;
            let mut ask = self.ask(number, at_us);
            ask.clerk = clerk.clone();
            self.enter(&ask, planted);
            self.report_if(&ask);
        }
    }

    /// Those who hide keep their papers in order.
    fn report_if(&mut self, ask: &Ask) {
        if self.agencies[ask.agency as usize - 1].reports {
            let (number, matter, at_us) = (ask.agency, ask.matter.clone(), ask.at_us + HOUR_US);
            self.report(number, &matter, at_us);
        }
    }

    /// Five to nine times a clerk's ordinary day.
    fn plant_many_subjects(&mut self) {
        let (number, day) = (self.office(), self.worked_day(9, 30));
        let clerk = self.clerk(number);
        let usual = self
            .made
            .iter()
            .filter(|made| made.bytes[10..14] == number.to_be_bytes())
            .count() as i64
            / (21 * self.agencies[number as usize - 1].clerks.len() as i64);
        let planted = self.planted(
            "operator_many_subjects",
            format!("{number} {clerk} day {day}, usual {usual}"),
        );
        for _ in 0..(usual * self.chance.between(50, 90) / 10).max(150) {
            let at_us = self.moment(number, day);
            let mut ask = self.ask(number, at_us);
            ask.clerk = clerk.clone();
            self.enter(&ask, planted);
            self.report_if(&ask);
        }
    }

    /// One person, eight to twelve agencies, two days.
    fn plant_many_agencies(&mut self) {
        let day = self.worked_day(0, 28);
        let subject = 2_000_000_000 + self.chance.below(900_000_000);
        let planted = self.planted("subject_many_agencies", format!("{subject} day {day}"));
        for n in 0..self.chance.between(8, 12) {
            let number = (n * 7).rem_euclid(19) as u32 + 1;
            let at_us = self.start_us + day * DAY_US + 9 * HOUR_US + self.chance.below(46 * HOUR_US as u64) as i64;
            let mut ask = self.ask(number, at_us);
            ask.subject = subject;
            self.enter(&ask, planted);
            self.report_if(&ask);
        }
    }

    /// Seven to twenty wrong claims about one person in an afternoon.
    fn plant_guessing(&mut self) {
        let (number, day) = (self.office(), self.worked_day(0, 30));
        let at_us = self.start_us + day * DAY_US + 14 * HOUR_US;
        let mut ask = self.ask(number, at_us);
        let planted = self.planted("repeated_guessing", format!("{number} day {day}"));
        for n in 0..self.chance.between(7, 20) {
            ask.at_us += self.chance.between(30, 900) * 1_000_000;
            ask.outcome = if n < 5 { Outcome::Mismatched } else { Outcome::Review };
            self.enter(&ask, planted);
        }
        self.report_if(&ask);
    }

    /// A system that maps a field wrongly: a third to two thirds of a day's look-ups of persons differ.
    fn plant_rate(&mut self) {
        let (number, day) = (self.office(), self.worked_day(10, 30));
        let planted = self.planted("mismatch_rate", format!("{number} day {day}"));
        let share = 0.33 + 0.33 * self.chance.unit();
        let wrong = self.chance.between(60, 120);
        for _ in 0..wrong {
            let at_us = self.moment(number, day);
            let mut ask = self.ask(number, at_us);
            ask.outcome = Outcome::Mismatched;
            self.enter(&ask, planted);
            self.report_if(&ask);
        }
        // The rest of that day is as ordinary as it was: some of it goes, so that the share is as meant.
        let keep = (wrong as f64 * (1.0 - share) / share) as usize;
        let (from, until) = (self.start_us + day * DAY_US, self.start_us + (day + 1) * DAY_US);
        let mut kept = 0;
        self.made.retain(|made| {
            let is_of = made.planted.is_none()
                && (from..until).contains(&made.at_us)
                && made.bytes[10..14] == number.to_be_bytes()
                && made.bytes[1] == 1
                && made.bytes[15..29] == *b"natural-person";
            kept += usize::from(is_of);
            !is_of || kept <= keep
        });
    }

    /// A mismatch that nobody touches.
    fn plant_overdue(&mut self) {
        let (number, day) = (self.office(), self.worked_day(0, 18));
        let at_us = self.moment(number, day);
        let mut ask = self.ask(number, at_us);
        ask.outcome = Outcome::Mismatched;
        let (id, planted) = (
            self.mismatch_id(),
            self.planted("mismatch_overdue", format!("{number} day {day}")),
        );
        self.enter(&ask, planted);
        self.report_if(&ask);
        self.step(&ask, &id, ("open", "open", 1), at_us, planted);
    }

    /// A mismatch whose values were accepted and never delivered.
    fn plant_unresolved(&mut self) {
        let number = self.office();
        let at_us = self.start_us + self.chance.between(9, 17) * HOUR_US;
        let ask = self.ask(number, at_us);
        let (id, planted) = (
            self.mismatch_id(),
            self.planted("mismatch_unresolved", format!("{number}")),
        );
        self.step(&ask, &id, ("open", "open", 1), at_us, planted);
        self.step(
            &ask,
            &id,
            ("accept_record", "record_accepted", 2),
            at_us + DAY_US,
            planted,
        );
    }

    /// A clerk who makes application numbers up.
    fn plant_no_application(&mut self) {
        let number = self.chance.between(1, 10) as u32;
        let clerk = self.clerk(number);
        let planted = self.planted("no_application", format!("{number} {clerk}"));
        for _ in 0..self.chance.between(60, 120) {
            let day = self.worked_day(0, 13);
            let at_us = self.moment(number, day);
            let mut ask = self.ask(number, at_us);
            ask.clerk = clerk.clone();
            self.enter(&ask, planted);
        }
    }

    /// An item whose guide still asks for a paper that a register proves.
    fn plant_paper(&mut self, n: usize) {
        let number = self.office();
        let planted = self.planted("material_demanded", paper_item(n));
        for _ in 0..self.chance.between(1, 20) {
            let day = self.worked_day(0, 30);
            let at_us = self.moment(number, day);
            let mut ask = self.ask(number, at_us);
            ask.item = paper_item(n);
            self.enter(&ask, planted);
            self.report_if(&ask);
        }
    }
}
