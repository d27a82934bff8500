//! Consequences of an answer: a mismatch that opens, one that settles, guesses that are counted.
//! Most answers have none and write nothing but their ledger entry. Consequences are one commit together with the answer's entry,
//! made on a task of its own: a caller that resets the connection cannot stop it half-way.

use crate::mismatch::pending::MismatchNote;
use crate::node::write::CommitAttempts;
use std::sync::Arc;

use smallvec::SmallVec;

use super::{
    judgement::{AnswerConsequence, MismatchOpening, QuestionJudgement, StoppedAsker},
    question::{AskedPurposeElements, BoundedText, MemberList},
};
use crate::node::caller::Caller;
use crate::{
    foundation::{error::AppError, hex::hex, ids::new_id},
    mismatch::{
        pending::PendingSubject,
        steps::{self, MismatchFacts, StepNote},
    },
    node::hub::Hub,
};
use heyan_catalog::Dataset;
use heyan_domain::{
    calendar,
    mismatch::{Action, MismatchActor, MismatchPhase, MismatchState},
    verdict::Verdict,
};
use heyan_ledger::AppendedEntry;
use heyan_ports::commit::Commit;
use heyan_ports::{
    deliveries::EventRow,
    guesses::GuessRow,
    mismatches::{MismatchRow, MismatchWrite},
    subject::{RecordKey, SubjectKey},
    supervision::AlertRow,
    trace,
};

/// Names of the fields that differ, sorted.
pub(crate) fn differing<'a>(judgement: &QuestionJudgement<'a>) -> SmallVec<[&'a str; 8]> {
    let fields = judgement.fields.iter();
    let mut names: SmallVec<_> = fields
        .filter(|(_, _, verdict)| *verdict == Verdict::Mismatch)
        .map(|(name, _, _)| *name)
        .collect();
    names.sort_unstable();
    names
}

/// The mismatch that an answer opens when `fields` differ and it is not pending.
pub(crate) fn opening(
    judgement: &QuestionJudgement<'_>,
    fields: &[&str],
    subject: SubjectKey,
    record_version: u32,
    members: &MemberList<'_, BoundedText<'_>>,
) -> MismatchOpening {
    MismatchOpening {
        key: RecordKey {
            dataset: Arc::clone(&judgement.dataset.name),
            subject,
        },
        fields: fields.iter().map(|name| (*name).to_owned()).collect(),
        record_version,
        version_told: judgement.record.is_some(),
        subject: members
            .0
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
    }
}

/// Open mismatches of this matter whose fields all match now, within the dataset's settle window.
pub(crate) fn settled(
    dataset: &Dataset,
    about: &PendingSubject,
    judgement: &QuestionJudgement<'_>,
    subject: SubjectKey,
    matter: &[u8; 16],
    now_us: i64,
) -> Vec<(SubjectKey, Arc<str>)> {
    let window_us = i64::from(dataset.settle_window_days) * 86_400_000_000;
    let matches = |name: &String| {
        let mut told = judgement.fields.iter().filter(|(field, _, _)| field == name);
        told.any(|(_, _, verdict)| matches!(verdict, Verdict::Match(_)))
    };
    about
        .mismatches
        .iter()
        .filter(|known| {
            known.state == MismatchPhase::Open && known.matter == *matter && now_us - known.opened_at <= window_us
        })
        .filter(|known| known.fields.iter().all(matches))
        .map(|known| (subject, Arc::clone(&known.id)))
        .collect()
}

/// Whose matter an answer belongs to.
#[derive(Clone)]
struct AnswerMatter {
    agency: String,
    agency_number: u32,
    client: String,
    by: String,
    application_no: String,
    item_code: String,
    key: [u8; 16],
    now_us: i64,
}

/// Enters an answer with what it brings; `consequences` are those of its items, and the notes come in their order.
///
/// # Errors
/// The store or the ledger cannot be asked: then nothing is told.
pub(crate) async fn enter(
    hub: &Arc<Hub>,
    caller: &Caller,
    purpose: &AskedPurposeElements<'_>,
    now_us: i64,
    consequences: Vec<Option<AnswerConsequence>>,
    entry: Vec<u8>,
) -> Result<(AppendedEntry, Vec<Option<MismatchNote>>), AppError> {
    let agency = &caller.agency()?.row;
    let matter = AnswerMatter {
        agency: agency.id.clone(),
        agency_number: agency.number,
        client: caller.client.row.id.clone(),
        by: purpose.operator.to_string(),
        application_no: purpose.application_no.to_string(),
        item_code: purpose.item_code.to_string(),
        key: hub.secrets.vault.matter(&agency.id, &purpose.application_no),
        now_us,
    };
    let hub = Arc::clone(hub);
    let work = tokio::spawn(trace::carried(async move {
        carry_out(&hub, &matter, consequences, entry).await
    }));
    work.await
        .unwrap_or(Err(AppError::Internal("an answer's consequences panicked")))
}

async fn carry_out(
    hub: &Hub,
    matter: &AnswerMatter,
    consequences: Vec<Option<AnswerConsequence>>,
    entry: Vec<u8>,
) -> Result<(AppendedEntry, Vec<Option<MismatchNote>>), AppError> {
    let all = || consequences.iter().flatten();
    let subjects: Vec<SubjectKey> = all()
        .flat_map(|one| {
            let guessed = one.guesses.iter().map(|guess| guess.subject);
            one.opens.iter().map(|opening| opening.key.subject).chain(guessed)
        })
        .collect();
    // What is opened is looked for in the commit itself first, which costs no reading; where that finds something, or is known to, the
    // store is asked before.
    let mut opens_first = !subjects
        .iter()
        .any(|subject| hub.mismatches.pending.is_decided(*subject));
    let mut attempts = CommitAttempts::none();
    loop {
        let turn = hub.mismatches.pending.turn(subjects.iter().copied()).await;
        let mut plan = ConsequencePlan {
            opens_first,
            ..ConsequencePlan::default()
        };
        let mut notes = Vec::with_capacity(consequences.len());
        for one in &consequences {
            let note = match one {
                Some(one) => plan.add(hub, matter, one).await?,
                None => None,
            };
            notes.push(note);
        }
        let commit = plan.commit(hub, matter, entry.clone())?;
        // Where everything was known already, the answer writes its own entry and nothing else.
        let Some(commit) = commit else {
            return Ok((hub.append(entry).await?, notes));
        };
        let committed = match hub.commit(commit).await {
            Err(error) if attempts.again(&error) => {
                opens_first = false;
                continue;
            }
            committed => committed?,
        };
        for (key, field) in all().flat_map(|one| &one.spent) {
            let today = Some(calendar::china_day(matter.now_us));
            let alerted = |about: &mut PendingSubject| about.guessed_mut(field).alerted_on = today;
            hub.mismatches.pending.change(key.subject, alerted);
        }
        for stopped in all().filter_map(|one| one.stopped.as_ref()) {
            stopped.asker.alerted(calendar::china_day(matter.now_us));
        }
        drop(turn);
        let appended = hub.enter(committed).await?;
        if all().any(|one| one.opens.is_some()) {
            hub.look_at_mismatch_room(&matter.agency, matter.now_us).await?;
        }
        let first = appended.into_iter().next();
        return Ok((first.ok_or(AppError::Internal("an answer was not entered"))?, notes));
    }
}

/// Everything that one answer writes.
#[derive(Default)]
struct ConsequencePlan {
    /// Whether no mismatch may be there of the matter and fields of one that is opened.
    opens_first: bool,
    mismatches: Vec<MismatchWrite>,
    events: Vec<EventRow>,
    guesses: Vec<GuessRow>,
    alerts: Vec<AlertRow>,
}

impl ConsequencePlan {
    async fn add(
        &mut self,
        hub: &Hub,
        matter: &AnswerMatter,
        one: &AnswerConsequence,
    ) -> Result<Option<MismatchNote>, AppError> {
        for guess in &one.guesses {
            let known = |other: &GuessRow| {
                (other.subject, &other.field, other.value) == (guess.subject, &guess.field, guess.value)
            };
            if !self.guesses.iter().any(known) {
                self.guesses.push(guess.clone());
            }
        }
        for (key, field) in &one.spent {
            if hub.supervision.raises("guess_budget") {
                self.alerts.push(spent_alert(hub, matter, key, field)?);
            }
        }
        if let Some(stopped) = &one.stopped {
            let alert = stopped_alert(hub, &matter.agency, &matter.client, stopped, matter.now_us)?;
            let is_new = self.alerts.iter().all(|other| other.once != alert.once);
            if is_new && hub.supervision.raises(STOPPED_RULE) {
                self.alerts.push(alert);
            }
        }
        for (subject, id) in &one.settles {
            self.settle(hub, matter, *subject, id).await?;
        }
        match &one.opens {
            Some(opening) => self.open(hub, matter, opening).await.map(Some),
            None => Ok(None),
        }
    }

    /// The mismatch of an opening: one that is pending, one of this plan, one that was decided on this very version, or
    /// a new one.
    async fn open(
        &mut self,
        hub: &Hub,
        matter: &AnswerMatter,
        opening: &MismatchOpening,
    ) -> Result<MismatchNote, AppError> {
        let about = hub.mismatches.pending.about(opening.key.subject);
        if let Some(known) = about.and_then(|about| about.pending(&matter.key, &opening.fields)) {
            return Ok(known);
        }
        let same = |write: &&MismatchWrite| {
            write.row.revision == 1
                && write.row.subject == opening.key.subject
                && write.row.dataset == opening.key.dataset
                && write.row.fields == opening.fields
        };
        if let Some(write) = self.mismatches.iter().find(same) {
            return Ok(note_of(&write.row));
        }
        let newest = match self.opens_first {
            true => None,
            false => {
                let store = &hub.store;
                store.mismatch_of(&opening.key, &matter.key, &opening.fields).await?
            }
        };
        if let Some(row) = newest {
            if !row.is_final {
                // Opened by another node, or before a start that read less: now it is pending here too.
                hub.mismatches.pending.tell(&row);
                return Ok(note_of(&row));
            }
            hub.mismatches.pending.decided(row.subject);
            if stands(hub, &row, opening)? {
                return Ok(note_of(&row));
            }
        }
        let write = new_mismatch(hub, matter, opening)?;
        let note = note_of(&write.row);
        if write.row.expires_at.is_none() {
            self.events.push(steps::mismatch_event(hub, &write.row, matter.now_us)?);
        }
        self.mismatches.push(write);
        Ok(note)
    }

    async fn settle(
        &mut self,
        hub: &Hub,
        matter: &AnswerMatter,
        subject: SubjectKey,
        id: &str,
    ) -> Result<(), AppError> {
        if self.mismatches.iter().any(|write| write.row.id == id) {
            return Ok(());
        }
        let Some(row) = hub.store.mismatch(subject, id).await? else {
            return Ok(());
        };
        let facts: MismatchFacts = hub.secrets.vault.open_json(steps::facts_place(&row.id), &row.facts)?;
        let note = StepNote {
            by: matter.by.clone(),
            reason: None,
        };
        // Somebody may have acted on it in between: then there is nothing to settle.
        let settled = steps::next(
            hub,
            row,
            facts,
            Action::Settle,
            MismatchActor::Hub,
            &note,
            matter.now_us,
        );
        let Ok((write, _)) = settled else { return Ok(()) };
        self.events.push(steps::mismatch_event(hub, &write.row, matter.now_us)?);
        self.mismatches.push(write);
        Ok(())
    }

    /// The commit, with the answer's entry first; `None` when there is nothing to write.
    fn commit(self, hub: &Hub, matter: &AnswerMatter, entry: Vec<u8>) -> Result<Option<Commit>, AppError> {
        if self.mismatches.is_empty() && self.guesses.is_empty() && self.alerts.is_empty() {
            return Ok(None);
        }
        let mut ledger_entries = vec![entry];
        let mut mismatches = self.mismatches;
        for write in &mut mismatches {
            write.is_first = self.opens_first;
        }
        for write in &mismatches {
            ledger_entries.push(steps::step_entry(hub, matter.agency_number, write, &matter.by)?);
        }
        Ok(Some(
            Commit::at(matter.now_us)
                .with(mismatches)
                .with(self.events)
                .with(self.guesses)
                .with(self.alerts)
                .entries(ledger_entries),
        ))
    }
}

/// Whether a decision still stands: it was made on the version that was answered from now, and by a person.
fn stands(hub: &Hub, row: &MismatchRow, opening: &MismatchOpening) -> Result<bool, AppError> {
    // Where the answer told nothing, its mismatch must not tell by a new id that there is a record and that it changed.
    if opening.version_told && row.record_version != opening.record_version {
        return Ok(false);
    }
    let facts: MismatchFacts = hub.secrets.vault.open_json(steps::facts_place(&row.id), &row.facts)?;
    let settled = MismatchState::Closed {
        how: heyan_domain::mismatch::ClosingReason::Settled,
    };
    Ok(facts.state != settled)
}

fn note_of(row: &MismatchRow) -> MismatchNote {
    MismatchNote {
        id: row.id.as_str().into(),
        due_on: row.due_on.as_deref().map(Into::into),
    }
}

fn new_mismatch(hub: &Hub, matter: &AnswerMatter, opening: &MismatchOpening) -> Result<MismatchWrite, AppError> {
    let facts = MismatchFacts {
        state: MismatchState::Open,
        application_no: matter.application_no.clone(),
        item_code: matter.item_code.clone(),
        subject: opening.subject.clone(),
        version_told: opening.version_told,
    };
    let row = MismatchRow {
        id: new_id(b"mis_", matter.now_us, hub.node.settings.node)?,
        dataset: Arc::clone(&opening.key.dataset),
        subject: opening.key.subject,
        agency: matter.agency.clone(),
        matter: matter.key,
        fields: opening.fields.clone(),
        record_version: opening.record_version,
        state: facts.state.phase(),
        is_final: false,
        due_on: steps::due(hub, &opening.key.dataset, matter.now_us),
        awaits: None,
        revision: 1,
        opened_at: matter.now_us,
        updated_at: matter.now_us,
        facts: Vec::new(),
        // The answer told nothing: it may be about a number that no record has. A real one and such a one are alike.
        expires_at: (!opening.version_told).then(|| matter.now_us + hub.node.settings.quotas.untold_us),
    };
    let note = StepNote {
        by: matter.by.clone(),
        reason: None,
    };
    steps::first(hub, row, &facts, &note)
}

/// One alert a day for one field of one subject.
fn spent_alert(hub: &Hub, matter: &AnswerMatter, key: &RecordKey, field: &str) -> Result<AlertRow, AppError> {
    let day = calendar::china_date(matter.now_us);
    let hex = hex(&key.subject.0);
    let once = format!("guess_budget:{hex}:{field}:{day}");
    Ok(AlertRow {
        dataset: Some(key.dataset.to_string()),
        subject: Some(key.subject),
        agency: Some(matter.agency.clone()),
        facts: serde_json::json!({"field": field}).to_string(),
        ..crate::supervision::alert(hub, "guess_budget", once, matter.now_us)?
    })
}

/// The rule of the alert that names an agency.
const STOPPED_RULE: &str = "agency_guessing";

/// One alert a day for an agency that is stopped.
pub(crate) fn stopped_alert(
    hub: &Hub,
    agency: &str,
    client: &str,
    stopped: &StoppedAsker,
    now_us: i64,
) -> Result<AlertRow, AppError> {
    let once = format!("{STOPPED_RULE}:{agency}:{}", calendar::china_date(now_us));
    let [today, window] = stopped.asker.wrong();
    let [today_max, window_max] = stopped.asker.ceilings(&stopped.limits);
    let facts = serde_json::json!({
        "client": client,
        "subjects_day": today,
        "subjects_day_max": today_max,
        "subjects_30_days": window,
        "subjects_30_days_max": window_max,
    });
    Ok(AlertRow {
        agency: Some(agency.to_owned()),
        facts: facts.to_string(),
        ..crate::supervision::alert(hub, STOPPED_RULE, once, now_us)?
    })
}
