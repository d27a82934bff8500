//! Forgives the guesses about one subject: two persons must ask for it, and both are in the ledger (PROMISES I-16).
//! The first request waits a day for the second, on whatever node that is made.

use crate::node::write::CommitAttempts;
use std::sync::Arc;

use crate::node::caller::Caller;
use crate::{
    access::approvals::are_two_persons,
    foundation::{
        error::{AppError, MissingThing},
        purpose,
    },
    node::hub::Hub,
    supervision::administration_alert,
    verification::{
        judgement::parse_subject,
        question::{BoundedText, MemberList},
    },
};
use heyan_ledger::entry::{self, EntryKind};
use heyan_ports::{commit::Commit, guesses::ForgivenSubject};
use heyan_ports::{guesses::UnlockWrite, subject::SubjectKey};

/// How long the first request waits for the second, microseconds.
pub(crate) const WAIT_US: i64 = 86_400_000_000;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnlockResult {
    /// Another person has to ask for the same.
    Requested,
    /// The guesses are forgiven.
    Unlocked,
}

impl UnlockResult {
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
    subject: &MemberList<'_, BoundedText<'_>>,
    reason: &str,
) -> Result<UnlockResult, AppError> {
    let dataset = hub
        .catalog
        .get(dataset)
        .map(Arc::clone)
        .ok_or(AppError::NotFound(MissingThing::Dataset))?;
    let parsed = parse_subject(&dataset, subject)?;
    let subject = hub.records.loader.subject_key(&dataset, &parsed.key);
    let now_us = hub.clock.now_us();
    let mut bytes = Vec::with_capacity(128);
    let _turn = hub.mismatches.pending.turn([subject].into_iter()).await;
    let mut attempts = CommitAttempts::none();
    loop {
        let waiting = hub.store.unlock_request(subject).await?;
        // Somebody whom the first appointed, or who appointed the first, is no second person.
        let (by, access) = (&caller.client.row.id, hub.access.table.load_full());
        let are_two = waiting
            .as_ref()
            .is_some_and(|(first, _)| are_two_persons(&access, first, by));
        let (unlock, write) = decide(waiting, subject, by, are_two, now_us);
        bytes.clear();
        entry::begin(&mut bytes, EntryKind::Access, now_us, caller.agency_number());
        entry::put_text(&mut bytes, &format!("guess_budget.{}", unlock.as_str()));
        entry::put_text(&mut bytes, &crate::foundation::hex::hex(&subject.0));
        purpose::seal_parts(hub, &[&caller.client.row.id, reason], &mut bytes)?;
        let commit = Commit::at(now_us)
            .with(write.into_iter().collect::<Vec<_>>())
            .with(match unlock {
                UnlockResult::Unlocked => vec![ForgivenSubject(subject)],
                UnlockResult::Requested => Vec::new(),
            })
            .with(match unlock {
                UnlockResult::Unlocked => vec![administration_alert(
                    hub,
                    "guess_budget.unlocked",
                    &crate::foundation::hex::hex(&subject.0),
                    by,
                )?],
                UnlockResult::Requested => Vec::new(),
            })
            .entry(bytes.clone());
        match hub.write(commit).await {
            Err(error) if attempts.again(&error) => {}
            written => return written.map(|_appended| unlock),
        }
    }
}

/// The second request of another person unlocks; the same person's only renews his own.
fn decide(
    waiting: Option<(String, i64)>,
    subject: SubjectKey,
    by: &str,
    are_two: bool,
    now_us: i64,
) -> (UnlockResult, Option<UnlockWrite>) {
    let older_than = now_us - WAIT_US;
    match waiting {
        Some((first, at)) if are_two && at > older_than => {
            let write = UnlockWrite::Seconded { subject, client: first };
            (UnlockResult::Unlocked, Some(write))
        }
        // No second person: the first one's request goes on waiting for another.
        Some((first, at)) if first != by && at > older_than => (UnlockResult::Requested, None),
        _ => {
            let write = UnlockWrite::Waits {
                subject,
                client: by.to_owned(),
                at: now_us,
                older_than: older_than + 1,
            };
            (UnlockResult::Requested, Some(write))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::mismatch::unlock::*;

    #[test]
    fn it_takes_two_persons_within_a_day() {
        let decided = |waiting: Option<(&str, i64)>, by: &str, at: i64| {
            let waiting = waiting.map(|(first, at)| (first.to_owned(), at));
            let are_two = waiting.as_ref().is_some_and(|(first, _)| first != by);
            decide(waiting, SubjectKey([1; 16]), by, are_two, at).0
        };
        assert_eq!(decided(None, "li", 0), UnlockResult::Requested);
        assert_eq!(decided(Some(("li", 0)), "li", 1), UnlockResult::Requested);
        assert_eq!(decided(Some(("li", 1)), "wang", WAIT_US), UnlockResult::Unlocked);
        let too_old = decided(Some(("li", 1)), "wang", 1 + WAIT_US);
        assert_eq!(too_old, UnlockResult::Requested, "the first is too old");
    }
}
