//! Who is let in while the hub is busy. A worker answers so many calls at once and no more: what comes beyond them is refused
//! in the turn in which it came, so that those let in keep their time. No agency holds more than three of four places: a flood
//! of one is refused while the others still find a place.
//!
//! A call takes a place for each 8 KiB of its body, as its head states it or as it came: a batch is as much work as many single calls, and what was
//! let in is what a refusal waits behind.
//!
//! A call that finds no place at all is refused before anyone asks who calls: it costs next to nothing and leaves no entry.
//! What waits for others (a body that trickles, an outside source) steps out of its place meanwhile: it takes nobody's time.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use super::state::OfWorker;

/// The places of one worker.
pub(super) struct WorkerPlaces {
    places_max: usize,
    taken: Cell<usize>,
    /// Agencies that hold places, and how many. They are few: a worker has a few hundred places.
    held: RefCell<Vec<(u32, usize)>>,
}

impl WorkerPlaces {
    pub(super) fn new(places_max: usize) -> Self {
        Self {
            places_max,
            taken: Cell::new(0),
            held: RefCell::default(),
        }
    }

    /// Places that a call with so many bytes of body takes. Even the largest leaves most of them to others.
    fn size_of(&self, body_bytes: usize) -> usize {
        (1 + body_bytes / BODY_BYTES_A_PLACE).min((self.places_max / 8).max(1))
    }

    /// Counts places of `agency`.
    fn hold(&self, agency: u32, places: usize) {
        let mut held = self.held.borrow_mut();
        match held.iter_mut().find(|(known, _)| *known == agency) {
            Some((_, count)) => *count += places,
            None => held.push((agency, places)),
        }
    }

    /// Whether so many more places are more than one agency may hold.
    fn is_full_for(&self, agency: u32, places: usize) -> bool {
        let share = (self.places_max - self.places_max / 4).max(1);
        let held = self.held.borrow();
        held.iter()
            .any(|(known, count)| *known == agency && *count + places > share)
    }

    fn release(&self, agency: u32, places: usize) {
        let mut held = self.held.borrow_mut();
        if let Some((_, count)) = held.iter_mut().find(|(known, _)| *known == agency) {
            *count = count.saturating_sub(places);
        }
        held.retain(|(_, count)| *count > 0);
    }
}

/// Bytes of a body that are about as much work as one call.
const BODY_BYTES_A_PLACE: usize = 8_192;

/// A call's place, given back however the call ends.
pub(super) struct CallPlace {
    worker: Rc<OfWorker>,
    /// Places that it counts for.
    size: Cell<usize>,
    agency: Cell<Option<u32>>,
    is_in: Cell<bool>,
}

impl CallPlace {
    /// A place for a call of nobody knows whom yet, with so many bytes of body, if one is free.
    pub(super) fn take(worker: &Rc<OfWorker>, body_bytes: usize) -> Option<Self> {
        let size = worker.places.size_of(body_bytes);
        if worker.places.taken.get() + size > worker.places.places_max {
            return None;
        }
        let place = Self {
            worker: Rc::clone(worker),
            size: Cell::new(size),
            agency: Cell::new(None),
            is_in: Cell::new(false),
        };
        place.step_in();
        Some(place)
    }

    /// Makes it a place of `agency`, unless that has its share.
    pub(super) fn give_to(&self, agency: u32) -> bool {
        let places = &self.worker.places;
        if places.is_full_for(agency, self.size.get()) {
            return false;
        }
        places.hold(agency, self.size.get());
        self.agency.set(Some(agency));
        true
    }

    /// Waits for something that takes nobody's time; comes back in although others may have taken the place.
    pub(super) async fn outside<T>(&self, wait: impl Future<Output = T>) -> T {
        self.step_out();
        let waited = wait.await;
        self.step_in();
        waited
    }

    /// Takes the places of a body whose length was not known before it came.
    pub(super) fn weigh(&self, body_bytes: usize) {
        self.step_out();
        self.size.set(self.worker.places.size_of(body_bytes));
        self.step_in();
    }

    /// Gives the place back before the call ends: what is left of it goes on at its caller's pace.
    pub(super) fn step_out(&self) {
        if self.is_in.replace(false) {
            let places = &self.worker.places;
            places.taken.set(places.taken.get().saturating_sub(self.size.get()));
            if let Some(agency) = self.agency.get() {
                places.release(agency, self.size.get());
            }
        }
    }

    fn step_in(&self) {
        if !self.is_in.replace(true) {
            let places = &self.worker.places;
            places.taken.set(places.taken.get() + self.size.get());
            if let Some(agency) = self.agency.get() {
                places.hold(agency, self.size.get());
            }
        }
    }
}

impl Drop for CallPlace {
    fn drop(&mut self) {
        self.step_out();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_agency_leaves_places_to_the_others() {
        let places = WorkerPlaces::new(8);
        let take = |agency| {
            let may = !places.is_full_for(agency, 1);
            if may {
                places.hold(agency, 1);
            }
            may
        };
        assert_eq!((0..8).filter(|_| take(1)).count(), 6, "three of four");
        assert!(take(2) && take(2));
        places.release(1, 1);
        assert!(take(1), "what was given back may be taken again");
        assert!(!take(1));
        (0..2).for_each(|_| places.release(2, 1));
        assert_eq!(*places.held.borrow(), [(1, 6)]);
    }

    #[test]
    fn a_large_body_takes_many_places_and_never_most_of_them() {
        let places = WorkerPlaces::new(512);
        assert_eq!(
            [0, 400, 35_000, 1 << 30].map(|bytes| places.size_of(bytes)),
            [1, 1, 5, 64]
        );
        assert_eq!(WorkerPlaces::new(4).size_of(1 << 30), 1);
        places.hold(1, 376);
        assert!(!places.is_full_for(1, 8) && places.is_full_for(1, 9));
    }
}
