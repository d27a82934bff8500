//! Forgives the guesses about one subject: two persons must ask for it, and both are in the ledger (PROMISES I-16).
//! The first request is kept in memory for a day: after a restart it is asked for again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    commit::Commit,
    error::{AppError, Thing},
    hub::{Caller, Hub},
    ports::SubjectKey,
    purpose,
    question::{Members, Text},
    verify::parse_subject,
};
use crate::ledger::entry::{self, Kind};

/// How long the first request waits for the second, microseconds.
const WAIT_US: i64 = 86_400_000_000;

/// Requests that wait at most.
const WAITING_MAX: usize = 10_000;

/// First requests: who asked, and when.
#[derive(Default)]
pub struct Requests(Mutex<HashMap<SubjectKey, (String, i64)>>);

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlock {
    /// Another person has to ask for the same.
    Requested,
    /// The guesses are forgiven.
    Unlocked,
}

impl Unlock {
    /// The wire word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Unlocked => "unlocked",
        }
    }
}

/// Asks for the guesses about a subject to be forgiven.
///
/// # Errors
/// No such dataset, a wrong subject, or the store or ledger cannot be asked.
pub async fn unlock(
    hub: &Hub,
    caller: &Caller,
    dataset: &str,
    subject: &Members<'_, Text<'_>>,
    reason: &str,
) -> Result<Unlock, AppError> {
    let dataset = hub
        .catalog
        .get(dataset)
        .map(Arc::clone)
        .ok_or(AppError::NotFound(Thing::Dataset))?;
    let parsed = parse_subject(&dataset, subject)?;
    let subject = hub.loader.subject_key(&dataset, &parsed.key);
    let now_us = hub.clock.now_us();
    let unlock = hub.unlock_requests.take(subject, &caller.client.row.id, now_us)?;
    let mut bytes = Vec::with_capacity(128);
    entry::begin(&mut bytes, Kind::Access, now_us, caller.agency_number());
    entry::put_text(&mut bytes, &format!("guess_budget.{}", unlock.as_str()));
    entry::put_text(&mut bytes, &super::message::hex(&subject.0));
    purpose::seal_parts(hub, &[&caller.client.row.id, reason], &mut bytes)?;
    let _turn = hub.pending.turn([subject].into_iter()).await;
    let commit = Commit {
        forgiven: match unlock {
            Unlock::Unlocked => vec![subject],
            Unlock::Requested => Vec::new(),
        },
        ledger_entries: vec![bytes],
        at: now_us,
        ..Commit::default()
    };
    let committed = hub.commit(commit).await?;
    if unlock == Unlock::Unlocked {
        hub.pending.change(subject, |about| about.guessed.clear());
    }
    hub.enter(committed).await?;
    Ok(unlock)
}

impl Requests {
    /// The second request of another person unlocks; the same person's only renews his own.
    fn take(&self, subject: SubjectKey, by: &str, now_us: i64) -> Result<Unlock, AppError> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, (_, at)| now_us - *at < WAIT_US);
        if waiting.get(&subject).is_some_and(|(first, _)| first != by) {
            waiting.remove(&subject);
            return Ok(Unlock::Unlocked);
        }
        if waiting.len() >= WAITING_MAX {
            return Err(AppError::TooManyItems);
        }
        waiting.insert(subject, (by.to_owned(), now_us));
        Ok(Unlock::Requested)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_two_persons_within_a_day() {
        let requests = Requests::default();
        let subject = SubjectKey([1; 16]);
        let take = |by: &str, at: i64| requests.take(subject, by, at).unwrap();
        assert_eq!(take("li", 0), Unlock::Requested);
        assert_eq!(take("li", 1), Unlock::Requested);
        assert_eq!(take("wang", 1 + WAIT_US), Unlock::Requested, "the first is too old");
        assert_eq!(take("li", 2 + WAIT_US), Unlock::Unlocked);
        assert_eq!(take("wang", 3 + WAIT_US), Unlock::Requested);
    }
}
