//! What the hub holds in memory of the store: access, subscriptions, what is pending. Read at a start, after a change, and when
//! another node says that it changed something.
//!
//! One after another: what was read before never replaces what was read after.

use std::{collections::HashSet, sync::Arc, time::Instant};

use super::hub::Hub;
use crate::delivery::table::SubscriptionTable;
use crate::{
    access::table::AccessTable,
    foundation::{
        error::AppError,
        lease::{self, DutyTurn},
    },
};
use heyan_domain::{budget::WINDOW_DAYS, calendar::china_day, mismatch::MismatchPhase};
use heyan_ports::{
    access::AccessRows,
    deliveries::{SubscriptionPhase, SubscriptionRow},
    mismatches::MismatchFilter,
    subject::SubjectKey,
};

/// Mismatches that are read at once at a start.
const PENDING_PAGE: u32 = 10_000;

impl Hub {
    /// Reads the subscriptions from the store and swaps them in.
    ///
    /// # Errors
    /// Returns an error if the store cannot be reached.
    pub async fn reload_subscriptions(&self) -> Result<(), AppError> {
        let _one_at_a_time = self.node.table_reads.lock().await;
        let rows = self.store.subscriptions().await?;
        let of_row = |row: SubscriptionRow| (row.id.clone(), Arc::new(row));
        self.outward.subscriptions.store(Arc::new(SubscriptionTable {
            by_id: rows.into_iter().map(of_row).collect(),
        }));
        Ok(())
    }

    /// Takes over subscriptions as they were committed.
    pub(super) async fn take_subscriptions(&self, rows: impl Iterator<Item = &SubscriptionRow>) {
        let _one_at_a_time = self.node.table_reads.lock().await;
        let mut by_id = self.outward.subscriptions.load().by_id.clone();
        for row in rows {
            if by_id
                .get(&row.id)
                .is_some_and(|known| known.updated_at > row.updated_at)
            {
                // Read from the store meanwhile, after another node changed it again.
                continue;
            }
            match row.state {
                SubscriptionPhase::Deleted => by_id.remove(&row.id),
                SubscriptionPhase::Active | SubscriptionPhase::Gone => {
                    by_id.insert(row.id.clone(), Arc::new(row.clone()))
                }
            };
        }
        self.outward.subscriptions.store(Arc::new(SubscriptionTable { by_id }));
    }

    /// Reads what is pending about one subject again, because another node changed it.
    ///
    /// # Errors
    /// Returns an error if the store cannot be reached.
    pub async fn refresh_pending(&self, subject: SubjectKey) -> Result<(), AppError> {
        // While this lock is held, no task of this node is between a decision about the subject and its commit.
        let _turn = self.mismatches.pending.turn([subject].into_iter()).await;
        let mismatches = self.store.pending_mismatches(subject).await?;
        self.mismatches.pending.change(subject, |about| {
            about.mismatches = mismatches.iter().map(Into::into).collect();
        });
        self.read_guesses(subject).await
    }

    /// Reads the guesses about one subject again; for who has its turn.
    ///
    /// # Errors
    /// Returns an error if the store cannot be reached.
    pub(crate) async fn read_guesses(&self, subject: SubjectKey) -> Result<(), AppError> {
        // Before the guesses: one that comes between is known without its revision, and then read once more.
        let head = self.store.guess_head(subject).await?;
        let guesses = self.store.guesses_about(subject).await?;
        self.mismatches.pending.change(subject, |about| {
            // What an alert has said stays known.
            for guessed in &mut about.guessed {
                guessed.guesses.clear();
            }
            for guess in &guesses {
                crate::verification::guess::restore(about, guess);
            }
            about.guessed.retain(|guessed| !guessed.guesses.is_empty());
            about.guess_head = head;
        });
        guesses
            .iter()
            .for_each(|guess| crate::verification::asker::restore_asker(self, guess));
        Ok(())
    }

    /// Reads from the store what is pending about subjects. Returns the subjects about which memory holds something that the store
    /// did not return.
    ///
    /// # Errors
    /// Returns an error if the store cannot be reached.
    pub async fn reload_pending(&self) -> Result<Vec<SubjectKey>, AppError> {
        let mut told: HashSet<(SubjectKey, String)> = HashSet::new();
        let before = self.mismatches.pending.subjects();
        for state in MismatchPhase::ALL.into_iter().filter(|state| !state.is_final()) {
            let mut filter = MismatchFilter {
                state: Some(state),
                limit: PENDING_PAGE,
                ..MismatchFilter::default()
            };
            loop {
                let rows = self.store.mismatches(&filter).await?;
                for row in &rows {
                    self.mismatches.pending.tell(row);
                    if !before.is_empty() {
                        told.insert((row.subject, row.id.clone()));
                    }
                }
                let Some(last) = rows.last().filter(|_| rows.len() == PENDING_PAGE as usize) else {
                    break;
                };
                filter.after = Some(last.id.clone());
            }
        }
        let since = self.clock.now_us() - super::upkeep::GUESSES_KEPT_US;
        for guess in self.store.guesses_since(since).await? {
            self.mismatches.pending.change(guess.subject, |about| {
                crate::verification::guess::restore(about, &guess)
            });
            crate::verification::asker::restore_asker(self, &guess);
        }
        let today = china_day(self.clock.now_us());
        let right = self.store.right_since(today - WINDOW_DAYS).await?;
        self.access.counters.restore_right(&right, today);
        let is_untold = |subject: &SubjectKey| {
            self.mismatches.pending.about(*subject).is_some_and(|about| {
                !about.guessed.is_empty()
                    || about
                        .mismatches
                        .iter()
                        .any(|known| !told.contains(&(*subject, known.id.to_string())))
            })
        };
        Ok(before.into_iter().filter(is_untold).collect())
    }

    /// Reads access from the store and swaps it in.
    ///
    /// # Errors
    /// Returns an error if the store cannot be reached.
    pub async fn reload_access(&self) -> Result<(), AppError> {
        let mut read_at = self.access.read_at.lock().await;
        self.read_access(&mut read_at).await
    }

    /// Takes over access as it was committed.
    pub(super) async fn take_access(&self, rows: &AccessRows) {
        // What was read from the store before this commit must not replace it.
        let _one_at_a_time = self.access.read_at.lock().await;
        let table = self.access.table.load_full();
        let next = table.changed(rows, &self.catalog, &self.access.counters);
        self.access.table.store(Arc::new(next));
    }

    async fn read_access(&self, read_at: &mut Option<Instant>) -> Result<(), AppError> {
        let begun = Instant::now();
        let rows = self.store.access().await?;
        // Counts only grow within a day, so restoring at each reload never takes one back.
        self.access.counters.restore(&rows.usage);
        let table = AccessTable::compile(rows, &self.catalog, &self.access.counters);
        self.access.table.store(Arc::new(table));
        *read_at = Some(begun);
        Ok(())
    }

    /// The turn of changes of access: read, decide, commit, swap. What other nodes changed before it is known in it.
    ///
    /// # Errors
    /// Returns an error if the store cannot be reached.
    pub async fn turn_of_access(&self) -> Result<DutyTurn, AppError> {
        let turn = lease::wait(self, &self.access.changes, "access").await?;
        if turn.is_among_nodes() {
            self.reload_access().await?;
        }
        Ok(turn)
    }

    /// The turn of changes of subscriptions, in the same way.
    ///
    /// # Errors
    /// Returns an error if the store cannot be reached.
    pub async fn turn_of_subscriptions(&self) -> Result<DutyTurn, AppError> {
        let turn = lease::wait(self, &self.outward.subscription_changes, "subscriptions").await?;
        if turn.is_among_nodes() {
            self.reload_subscriptions().await?;
        }
        Ok(turn)
    }

    /// Makes sure that who may do what is known as it is now: where the line to other nodes is lost, it is read again.
    ///
    /// # Errors
    /// The store could not be asked, so it is not known.
    pub async fn know_access(&self) -> Result<(), AppError> {
        if self.node.trust.holds() {
            return Ok(());
        }
        let mut read_at = self.access.read_at.lock().await;
        // Not more often than five times a second, however many call.
        if read_at.is_none_or(|at| at.elapsed().as_millis() > 200) {
            self.read_access(&mut read_at).await?;
        }
        Ok(())
    }
}
