//! How many subjects one agency may be wrong about, and how many it may lock. A robot that walks through numbers or names is wrong about
//! many and right about few; a counter is right about most.
//!
//! A ceiling is a number of subjects, raised by the subjects that the agency was right about. A subject counts once in its window. At
//! the ceiling nothing is told about another subject, right or wrong; those that are counted already are still answered, so that a
//! second try is.
//!
//! Answers that charge nothing take no lock: they read a few counters and set a bit.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
};

/// Ceilings of one agency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskerLimits {
    /// Subjects wrong or not found in one day.
    pub subjects_day_max: u32,
    /// The same in 30 days.
    pub subjects_30_days_max: u32,
    /// By how many both rise for each hundred subjects that were right in the same time.
    pub subjects_percent: u32,
    /// Subjects of which its wrong values lock a field in one day.
    pub locks_day_max: u32,
}

impl Default for AskerLimits {
    fn default() -> Self {
        Self {
            subjects_day_max: 50,
            subjects_30_days_max: 80,
            subjects_percent: 100,
            locks_day_max: 10,
        }
    }
}

/// What became of a subject that an agency was wrong about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedSubject {
    /// It counts from now on.
    New,
    /// It counted already.
    Known,
    /// The ceiling is reached: nothing may be told.
    Refused,
}

/// Days of the longer window.
pub const WINDOW_DAYS: i32 = 30;

/// Subjects that are remembered of one agency; beyond them it is stopped whatever its limits.
const SUBJECTS_MAX: usize = 100_000;

/// Bits of the set of subjects that were right today, 4 KiB an agency: two subjects of one bit count once, which lowers the ceiling of
/// agencies with more than some ten thousand a day a little.
const RIGHT_BITS: u64 = 1 << 15;

/// What is counted of one agency.
#[derive(Default)]
pub struct AskerTally {
    day: AtomicI32,
    wrong_today: AtomicU32,
    wrong_in_window: AtomicU32,
    right_today: AtomicU32,
    right_before: AtomicU32,
    locks_today: AtomicU32,
    /// Of `right_today`, those that the store does not hold yet.
    right_unsaved: AtomicU32,
    right: OnceLock<Box<[AtomicU64]>>,
    book: Mutex<AskerBook>,
}

#[derive(Default)]
struct AskerBook {
    /// Subject and the last day on which it was wrong.
    wrong: HashMap<u64, i32, ahash::RandomState>,
    locked: HashSet<u64, ahash::RandomState>,
    /// Subjects that were right, by day, before today.
    right: VecDeque<(i32, u32)>,
    /// Of them, those that the store does not hold yet.
    right_unsaved: Vec<(i32, u32)>,
    alerted_on: Option<i32>,
}

impl AskerTally {
    /// Whether anything may be told about a subject on a day, right or wrong.
    pub fn admits(&self, limits: &AskerLimits, subject: u64, day: i32) -> bool {
        let day = self.at(day);
        self.has_room(limits) || self.fits(limits, self.book().wrong.get(&subject).copied(), day)
    }

    /// Whether another subject may be wrong.
    pub fn has_room(&self, limits: &AskerLimits) -> bool {
        let [today, window] = self.ceilings(limits);
        self.wrong_today.load(Relaxed) < today
            && self.wrong_in_window.load(Relaxed) < window
            && self.locks_today.load(Relaxed) < limits.locks_day_max
    }

    /// Counts a subject that was wrong, unless the ceiling is reached.
    pub fn count_wrong(&self, limits: &AskerLimits, subject: u64, day: i32) -> CountedSubject {
        let day = self.at(day);
        let mut book = self.book();
        let known = book.wrong.get(&subject).copied();
        if known == Some(day) {
            return CountedSubject::Known;
        }
        let is_full = book.wrong.len() >= SUBJECTS_MAX && known.is_none();
        if is_full || !(self.has_room(limits) || self.fits(limits, known, day)) {
            return CountedSubject::Refused;
        }
        self.enter(&mut book, subject, day);
        CountedSubject::New
    }

    /// Takes over a subject that was wrong on a day, as another node or an earlier run counted it.
    pub fn restore(&self, subject: u64, day: i32, today: i32) {
        let today = self.at(today);
        let mut book = self.book();
        let is_older = book.wrong.get(&subject).is_some_and(|known| *known >= day);
        if !is_older && day > today - WINDOW_DAYS && book.wrong.len() < SUBJECTS_MAX {
            self.enter(&mut book, subject, day.min(today));
        }
    }

    /// Takes over how many subjects were right on a day, as the store holds them for all nodes.
    pub fn restore_right(&self, on: i32, subjects: u32, today: i32) {
        let today = self.at(today);
        if on >= today {
            self.right_today.fetch_max(subjects, Relaxed);
            return;
        }
        let mut book = self.book();
        match book.right.iter_mut().find(|(day, _)| *day == on) {
            Some((_, known)) => *known = subjects.max(*known),
            None if on > today - WINDOW_DAYS => book.right.push_back((on, subjects)),
            None => {}
        }
        self.sum_right(&book);
    }

    /// The days and numbers of right subjects that the store does not hold yet, once.
    pub fn drain_right(&self) -> Vec<(i32, u32)> {
        let mut book = self.book();
        let mut drained = std::mem::take(&mut book.right_unsaved);
        let today = self.right_unsaved.swap(0, Relaxed);
        if today > 0 {
            drained.push((self.day.load(Relaxed), today));
        }
        drained
    }

    /// Counts a subject that the agency was right about.
    pub fn count_right(&self, subject: u64, day: i32) {
        self.at(day);
        let words = usize::try_from(RIGHT_BITS / 64).unwrap_or_default();
        let bits = self
            .right
            .get_or_init(|| (0..words).map(|_| AtomicU64::new(0)).collect());
        let bit = subject % RIGHT_BITS;
        let Some(word) = usize::try_from(bit / 64).ok().and_then(|at| bits.get(at)) else {
            return;
        };
        let mask = 1_u64 << (bit % 64);
        if word.load(Relaxed) & mask == 0 && word.fetch_or(mask, Relaxed) & mask == 0 {
            self.right_today.fetch_add(1, Relaxed);
            self.right_unsaved.fetch_add(1, Relaxed);
        }
    }

    /// Counts a subject of which the agency's wrong value locked a field.
    pub fn count_locked(&self, subject: u64, day: i32) {
        self.at(day);
        let mut book = self.book();
        book.locked.insert(subject);
        self.locks_today
            .store(u32::try_from(book.locked.len()).unwrap_or(u32::MAX), Relaxed);
    }

    /// Whether the agency is stopped and no alert has said so today.
    pub fn is_news(&self, limits: &AskerLimits, day: i32) -> bool {
        let day = self.at(day);
        !self.has_room(limits) && self.book().alerted_on != Some(day)
    }

    /// Says that an alert has named the agency.
    pub fn alerted(&self, day: i32) {
        self.book().alerted_on = Some(day);
    }

    /// Subjects wrong or not found today, and in 30 days.
    pub fn wrong(&self) -> [u32; 2] {
        [self.wrong_today.load(Relaxed), self.wrong_in_window.load(Relaxed)]
    }

    /// The ceilings of now.
    pub fn ceilings(&self, limits: &AskerLimits) -> [u32; 2] {
        let right_today = self.right_today.load(Relaxed);
        let right = [right_today, right_today.saturating_add(self.right_before.load(Relaxed))];
        let least = [limits.subjects_day_max, limits.subjects_30_days_max];
        std::array::from_fn(|at| {
            let of = |list: &[u32; 2]| list.get(at).copied().unwrap_or_default();
            let earned = u64::from(of(&right)) * u64::from(limits.subjects_percent) / 100;
            let earned = u32::try_from(earned).unwrap_or(u32::MAX);
            of(&least).saturating_add(earned)
        })
    }

    /// Whether a subject that was wrong before adds nothing to a ceiling that is reached.
    fn fits(&self, limits: &AskerLimits, known: Option<i32>, day: i32) -> bool {
        let [today, window] = self.ceilings(limits);
        (self.wrong_today.load(Relaxed) < today || known == Some(day))
            && (self.wrong_in_window.load(Relaxed) < window || known.is_some())
            && (self.locks_today.load(Relaxed) < limits.locks_day_max || known == Some(day))
    }

    fn enter(&self, book: &mut AskerBook, subject: u64, day: i32) {
        let before = book.wrong.insert(subject, day);
        let today = self.day.load(Relaxed);
        if day == today && before != Some(today) {
            self.wrong_today.fetch_add(1, Relaxed);
        }
        if before.is_none() {
            self.wrong_in_window.fetch_add(1, Relaxed);
        }
    }

    /// The day that counts: a clock set back gives nothing back.
    fn at(&self, day: i32) -> i32 {
        let today = self.day.load(Relaxed);
        match day > today {
            true => self.begin(day),
            false => today,
        }
    }

    fn begin(&self, day: i32) -> i32 {
        let mut book = self.book();
        let before = self.day.load(Relaxed);
        if day <= before {
            return before;
        }
        let right = self.right_today.swap(0, Relaxed);
        if right > 0 {
            book.right.push_back((before, right));
        }
        let unsaved = self.right_unsaved.swap(0, Relaxed);
        if unsaved > 0 {
            book.right_unsaved.push((before, unsaved));
        }
        let since = day - WINDOW_DAYS;
        book.right.retain(|(on, _)| *on > since);
        book.wrong.retain(|_, on| *on > since);
        book.locked.clear();
        self.sum_right(&book);
        self.right
            .get()
            .into_iter()
            .flatten()
            .for_each(|word| word.store(0, Relaxed));
        self.wrong_today.store(0, Relaxed);
        self.wrong_in_window
            .store(u32::try_from(book.wrong.len()).unwrap_or(u32::MAX), Relaxed);
        self.locks_today.store(0, Relaxed);
        self.day.store(day, Relaxed);
        day
    }

    fn sum_right(&self, book: &AskerBook) {
        let sum = book
            .right
            .iter()
            .fold(0, |sum: u32, (_, right)| sum.saturating_add(*right));
        self.right_before.store(sum, Relaxed);
    }

    fn book(&self) -> MutexGuard<'_, AskerBook> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
