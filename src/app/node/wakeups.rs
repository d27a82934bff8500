//! Wake-ups of the workers. A worker reads from the store what there is to do; a wake-up of the courier may name targets to look at first.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use tokio::sync::Notify;

/// One bell for each worker; it says that there is something to do, never what.
#[derive(Default)]
pub struct Wakeups {
    /// New events.
    pub relay: Notify,
    /// New events, for the bus.
    pub publisher: Notify,
    /// New or due deliveries.
    pub courier: Notify,
    /// Deliveries that are over.
    pub closer: Notify,
    targets: Mutex<TouchedTargets>,
}

/// Targets that may have something due since the last look.
#[derive(Default)]
pub struct TouchedTargets {
    /// By name.
    pub named: HashSet<String>,
    /// Whether any other may have something due too.
    pub others: bool,
}

/// Names that are remembered; with more, every target is looked at.
const NAMED_MAX: usize = 10_000;

impl Wakeups {
    /// Remembers targets that have something due.
    pub fn touch(&self, targets: impl Iterator<Item = String>) {
        let mut touched = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        touched.named.extend(targets);
        if touched.named.len() > NAMED_MAX {
            touched.named.clear();
            touched.others = true;
        }
    }

    /// Remembers that any target may have something due.
    pub fn touch_any(&self) {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner).others = true;
    }

    /// What was touched since the last call.
    pub fn take_touched(&self) -> TouchedTargets {
        std::mem::take(&mut *self.targets.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_named_until_they_are_too_many() {
        let wakeups = Wakeups::default();
        wakeups.touch(["a", "b", "a"].map(str::to_owned).into_iter());
        let touched = wakeups.take_touched();
        assert_eq!((touched.named.len(), touched.others), (2, false));
        wakeups.touch((0..=NAMED_MAX).map(|n| n.to_string()));
        let touched = wakeups.take_touched();
        assert_eq!((touched.named.len(), touched.others), (0, true));
        assert!(!wakeups.take_touched().others);
    }
}
