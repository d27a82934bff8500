//! The store: the port `Store` on either engine.
//! `acknowledged ⇒ synced`: every write waits for the engine's sync, also when it shares its sync with others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::batch::{Batch, Node, json_text};
use super::engine::{Call, Engine, OpenLine};
use super::pool::Pool;
use super::statement::{self, Statement};
use super::writer::{Due, Work, Writer};
use super::{cases, notice, quality, read, read_loop, read_supervision, watches};
use crate::app::commit::{Commit, GrantUsage};
use crate::app::ports::{
    AccessRows, Before, CosignedRow, LiveFetch, NewestRecord, News, NodeRow, PendingEntry, RecordKey, Store,
    StoreError, StoredRecord, SubjectKey,
};
use crate::app::rows::{
    AlertFilter, AlertRow, AlertStep, AnswerRow, CaseCheckRow, CaseRow, Delivery, DeliveryFilter, Event, GuessRow,
    ItemRow, LoopCounts, MismatchFilter, MismatchRow, PostedEntries, RowKey, SavedReply, SealRow, StepRow, StepTally,
    SubscriptionRow, VerdictTally, WatchFilter, WatchRow,
};

/// The system of record on one engine.
pub(super) struct SqlStore<E: Engine> {
    node: Arc<Node>,
    /// The line to other nodes, where the store may be shared.
    line: Option<E::Line>,
    readers: Pool<E>,
    /// At least one.
    writers: Vec<Writer>,
    next_writer: AtomicUsize,
}

impl<E: Engine> SqlStore<E> {
    pub(super) fn new(node: Node, readers: Pool<E>, writers: Vec<Writer>, line: Option<E::Line>) -> Self {
        Self {
            node: Arc::new(node),
            line,
            readers,
            writers,
            next_writer: AtomicUsize::new(0),
        }
    }

    /// Runs one statement by itself, beside the writers; how many rows it changed. For what only a shared store is asked.
    async fn change(&self, statement: Statement, call: E::Call) -> Result<u64, StoreError> {
        Ok(self.readers.lend().await?.execute(statement.name, call).await?)
    }

    /// Says something on the line, where there is one.
    async fn say(&self, payload: String) -> Result<(), StoreError> {
        if self.line.is_some() {
            let call = E::call(E::text(statement::NOTIFY)).bind(payload);
            self.change(statement::NOTIFY, call).await?;
        }
        Ok(())
    }

    /// One writer after another, where there are several: none of them waits for what another is doing.
    fn writer(&self) -> &Writer {
        let nth = self.next_writer.fetch_add(1, Ordering::Relaxed) % self.writers.len().max(1);
        #[expect(
            clippy::indexing_slicing,
            reason = "there is at least one writer, and the number is below their count"
        )]
        &self.writers[nth]
    }
}

#[async_trait]
impl<E: Engine> Store for SqlStore<E> {
    async fn records(&self, keys: &[RecordKey]) -> Result<Vec<Option<StoredRecord>>, StoreError> {
        read::records(&self.readers, keys).await
    }

    async fn newest(&self, keys: &[RecordKey]) -> Result<Vec<Option<NewestRecord>>, StoreError> {
        read::newest(&self.readers, keys).await
    }

    async fn record_version(&self, key: &RecordKey, version: u32) -> Result<Option<StoredRecord>, StoreError> {
        read::record_version(&self.readers, key, version).await
    }

    async fn subjects_of_key(&self, dataset: &str, hash: [u8; 16]) -> Result<Vec<SubjectKey>, StoreError> {
        read::subjects_of_key(&self.readers, dataset, hash).await
    }

    async fn live_fetch(&self, key: &RecordKey) -> Result<Option<LiveFetch>, StoreError> {
        read::live_fetch(&self.readers, key).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Vec<i64>, StoreError> {
        let work = Work::Commit(Batch::of(commit, &self.node));
        Ok(self.writer().submit(work).await?)
    }

    async fn access(&self) -> Result<AccessRows, StoreError> {
        read::access(&self.readers).await
    }

    async fn pending_entries(&self, limit: u32) -> Result<Vec<PendingEntry>, StoreError> {
        read::pending_entries(&self.readers, &self.node.origin, limit).await
    }

    async fn forget_entries(&self, ids: &[i64]) -> Result<(), StoreError> {
        if !ids.is_empty() {
            self.writer().submit(Work::Forget(json_text(ids))).await?;
        }
        Ok(())
    }

    async fn add_usage(&self, usage: &[GrantUsage]) -> Result<(), StoreError> {
        if usage.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = usage
            .iter()
            .map(|usage| (&usage.grant, usage.day, i64::try_from(usage.used).unwrap_or(i64::MAX)))
            .collect();
        self.writer().submit(Work::Usage(json_text(&rows), rows.len())).await?;
        Ok(())
    }

    async fn usage(&self) -> Result<Vec<GrantUsage>, StoreError> {
        read::all_usage(&self.readers).await
    }

    async fn record_counts(&self) -> Result<Vec<(String, u64)>, StoreError> {
        read::record_counts(&self.readers).await
    }

    async fn mismatch(&self, subject: SubjectKey, id: &str) -> Result<Option<MismatchRow>, StoreError> {
        read_loop::mismatch(&self.readers, subject, id).await
    }

    async fn find_mismatch(&self, id: &str) -> Result<Option<MismatchRow>, StoreError> {
        read_loop::find_mismatch(&self.readers, id).await
    }

    async fn mismatch_steps(&self, subject: SubjectKey, id: &str) -> Result<Vec<StepRow>, StoreError> {
        read_loop::steps(&self.readers, subject, id).await
    }

    async fn mismatches(&self, filter: &MismatchFilter) -> Result<Vec<MismatchRow>, StoreError> {
        read_loop::mismatches(&self.readers, filter).await
    }

    async fn undated_mismatches(&self, limit: u32) -> Result<Vec<MismatchRow>, StoreError> {
        read_loop::undated_mismatches(&self.readers, limit).await
    }

    async fn set_due(&self, row: &MismatchRow, due_on: &str) -> Result<(), StoreError> {
        let due = Due {
            subject: row.subject,
            id: row.id.clone(),
            revision: row.revision,
            due_on: due_on.to_owned(),
        };
        self.writer().submit(Work::SetDue(due)).await?;
        Ok(())
    }

    async fn delivered_mismatches(&self, limit: u32) -> Result<Vec<MismatchRow>, StoreError> {
        read_loop::delivered_mismatches(&self.readers, limit).await
    }

    async fn mismatch_of(
        &self,
        key: &RecordKey,
        matter: &[u8; 16],
        fields: &[String],
    ) -> Result<Option<MismatchRow>, StoreError> {
        read_loop::mismatch_of(&self.readers, key, matter, fields).await
    }

    async fn guesses_since(&self, since: i64) -> Result<Vec<GuessRow>, StoreError> {
        read_loop::guesses_since(&self.readers, since).await
    }

    async fn subscriptions(&self) -> Result<Vec<SubscriptionRow>, StoreError> {
        read_loop::subscriptions(&self.readers).await
    }

    async fn watch(&self, id: &str) -> Result<Option<WatchRow>, StoreError> {
        watches::one(&self.readers, id).await
    }

    async fn watches(&self, filter: &WatchFilter) -> Result<Vec<WatchRow>, StoreError> {
        watches::list(&self.readers, filter).await
    }

    async fn due_watches(&self, now: i64, limit: u32) -> Result<Vec<WatchRow>, StoreError> {
        watches::due(&self.readers, now, limit).await
    }

    async fn watch_count(&self, agency: &str) -> Result<u64, StoreError> {
        watches::count(&self.readers, agency).await
    }

    async fn case(&self, id: &str) -> Result<Option<CaseRow>, StoreError> {
        cases::one(&self.readers, id).await
    }

    async fn cases_of(&self, agency: &str, after: Option<&str>, limit: u32) -> Result<Vec<CaseRow>, StoreError> {
        cases::of_agency(&self.readers, agency, after, limit).await
    }

    async fn case_checks(&self, case: &str) -> Result<Vec<CaseCheckRow>, StoreError> {
        cases::checks(&self.readers, case).await
    }

    async fn verdict_tallies(&self, days: (i32, i32), agency: Option<u32>) -> Result<Vec<VerdictTally>, StoreError> {
        quality::verdicts(&self.readers, days, agency).await
    }

    async fn step_tallies(&self, days: (i32, i32)) -> Result<Vec<StepTally>, StoreError> {
        quality::steps(&self.readers, days).await
    }

    async fn items(&self) -> Result<Vec<ItemRow>, StoreError> {
        read_loop::items(&self.readers).await
    }

    async fn seals(&self) -> Result<Vec<SealRow>, StoreError> {
        read_loop::seals(&self.readers).await
    }

    async fn new_events(&self, limit: u32) -> Result<Vec<Event>, StoreError> {
        read_loop::new_events(&self.readers, limit).await
    }

    async fn mismatches_by_key(&self, keys: &[RowKey]) -> Result<Vec<MismatchRow>, StoreError> {
        read_loop::mismatches_by_key(&self.readers, keys).await
    }

    async fn answers_of(&self, subjects: &[SubjectKey]) -> Result<Vec<AnswerRow>, StoreError> {
        read_loop::answers_of(&self.readers, subjects).await
    }

    async fn newest_changes(&self, subjects: &[SubjectKey]) -> Result<Vec<Event>, StoreError> {
        read_loop::newest_changes(&self.readers, subjects).await
    }

    async fn due_deliveries(&self, target: &str, now: i64, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        read_loop::due_deliveries(&self.readers, target, now, limit).await
    }

    async fn next_delivery_at(&self, target: &str) -> Result<Option<i64>, StoreError> {
        read_loop::next_delivery_at(&self.readers, target).await
    }

    async fn pending_targets(&self) -> Result<Vec<String>, StoreError> {
        read_loop::pending_targets(&self.readers).await
    }

    async fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        read_loop::deliveries(&self.readers, filter).await
    }

    async fn delivery(&self, id: &str) -> Result<Option<Delivery>, StoreError> {
        read_loop::delivery(&self.readers, id).await
    }

    async fn mismatch_deliveries(&self, subject: SubjectKey, id: &str) -> Result<Vec<Delivery>, StoreError> {
        read_loop::mismatch_deliveries(&self.readers, subject, id).await
    }

    async fn position(&self, name: &str) -> Result<Option<String>, StoreError> {
        read_loop::position(&self.readers, name).await
    }

    async fn reply(&self, client: &str, key: &str) -> Result<Option<SavedReply>, StoreError> {
        read_loop::reply(&self.readers, client, key).await
    }

    async fn forget_old(&self, before: Before) -> Result<(), StoreError> {
        self.writer().submit(Work::ForgetOld(before)).await?;
        Ok(())
    }

    async fn unpublished_events(&self, limit: u32) -> Result<Vec<Event>, StoreError> {
        read_loop::unpublished_events(&self.readers, limit).await
    }

    async fn unpublished_alerts(&self, limit: u32) -> Result<Vec<AlertRow>, StoreError> {
        read_supervision::unpublished_alerts(&self.readers, limit).await
    }

    async fn unpublished_counts(&self) -> Result<Vec<(String, u64)>, StoreError> {
        read_loop::unpublished_counts(&self.readers).await
    }

    async fn parked_keys(&self, topic: &str, limit: u32) -> Result<Vec<[u8; 16]>, StoreError> {
        read_loop::parked_keys(&self.readers, topic, limit).await
    }

    async fn alerts(&self, filter: &AlertFilter) -> Result<Vec<AlertRow>, StoreError> {
        read_supervision::alerts(&self.readers, filter).await
    }

    async fn alert(&self, id: &str) -> Result<Option<AlertRow>, StoreError> {
        read_supervision::alert(&self.readers, id).await
    }

    async fn alert_steps(&self, id: &str) -> Result<Vec<AlertStep>, StoreError> {
        read_supervision::alert_steps(&self.readers, id).await
    }

    async fn supervision_state(&self) -> Result<Option<Vec<u8>>, StoreError> {
        read_supervision::state(&self.readers).await
    }

    async fn posted_origins(&self) -> Result<Vec<String>, StoreError> {
        read_supervision::origins(&self.readers).await
    }

    async fn posted_entries(&self, origin: &str, from: u64, limit: u32) -> Result<Vec<PostedEntries>, StoreError> {
        read_supervision::entries(&self.readers, origin, from, limit).await
    }

    async fn loop_counts(&self, today: &str) -> Result<LoopCounts, StoreError> {
        read_loop::loop_counts(&self.readers, today).await
    }

    async fn listen(&self) -> Result<Option<Box<dyn News>>, StoreError> {
        match &self.line {
            Some(line) => line.listen(&self.node.run).await.map(Some),
            None => Ok(None),
        }
    }

    async fn beat(&self, number: u64) -> Result<(), StoreError> {
        self.say(notice::beat(&self.node.run, number)).await
    }

    async fn lease(&self, name: &str, for_ms: u64) -> Result<bool, StoreError> {
        if self.line.is_none() {
            return Ok(true);
        }
        let statement = statement::TAKE_LEASE;
        let call = E::call(E::text(statement))
            .bind(name.to_owned())
            .bind(Arc::clone(&self.node.origin))
            .bind(i64::try_from(for_ms).unwrap_or(i64::MAX));
        Ok(self.change(statement, call).await? == 1)
    }

    async fn release(&self, name: &str) -> Result<(), StoreError> {
        if self.line.is_some() {
            let statement = statement::DELETE_LEASE;
            let call = E::call(E::text(statement))
                .bind(name.to_owned())
                .bind(Arc::clone(&self.node.origin));
            self.change(statement, call).await?;
        }
        Ok(())
    }

    async fn show_node(&self, node: &NodeRow) -> Result<(), StoreError> {
        if self.line.is_none() {
            return Ok(());
        }
        let call = E::call(E::text(statement::UPSERT_NODE))
            .bind(node.origin.clone())
            .bind(i64::from(node.number))
            .bind(node.url.clone())
            .bind(node.ledger_key.clone())
            .bind(node.checkpoint.clone());
        match self.change(statement::UPSERT_NODE, call).await? {
            1 => Ok(()),
            _ => Err(StoreError::Conflict),
        }
    }

    async fn nodes(&self) -> Result<Vec<NodeRow>, StoreError> {
        read::nodes(&self.readers).await
    }

    async fn keep_cosigned(&self, row: &CosignedRow) -> Result<(), StoreError> {
        let call = E::call(E::text(statement::UPSERT_COSIGNED))
            .bind(row.origin.clone())
            .bind(row.witness.clone())
            .bind(row.witness_key.clone())
            .bind(row.checkpoint.clone())
            .bind(row.at);
        self.change(statement::UPSERT_COSIGNED, call).await?;
        Ok(())
    }

    async fn cosigned(&self) -> Result<Vec<CosignedRow>, StoreError> {
        read::cosigned(&self.readers).await
    }

    async fn ask(&self, id: &str, origin: &str, question: &str, at_us: i64) -> Result<(), StoreError> {
        let call = E::call(E::text(statement::INSERT_ASK))
            .bind(id.to_owned())
            .bind(origin.to_owned())
            .bind(question.to_owned())
            .bind(at_us);
        self.change(statement::INSERT_ASK, call).await?;
        self.say(notice::asked(&self.node.run, origin)).await
    }

    async fn asks(&self) -> Result<Vec<(String, String)>, StoreError> {
        read::asks(&self.readers, &self.node.origin).await
    }

    async fn answer(&self, id: &str, answer: &[u8]) -> Result<(), StoreError> {
        let call = E::call(E::text(statement::UPDATE_ASK))
            .bind(id.to_owned())
            .bind(answer.to_vec());
        self.change(statement::UPDATE_ASK, call).await?;
        self.say(notice::answered(&self.node.run, id)).await
    }

    async fn take_answer(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let answer = read::answer(&self.readers, id).await?;
        let call = E::call(E::text(statement::DELETE_ASK)).bind(id.to_owned());
        self.change(statement::DELETE_ASK, call).await?;
        Ok(answer)
    }

    async fn use_once(&self, hash: [u8; 16], until_s: i64) -> Result<bool, StoreError> {
        let taken = self.writer().submit(Work::UseOnce(hash, until_s)).await?;
        Ok(taken == [1])
    }

    async fn pending_mismatches(&self, subject: SubjectKey) -> Result<Vec<MismatchRow>, StoreError> {
        read_loop::pending_mismatches(&self.readers, subject).await
    }

    async fn guesses_about(&self, subject: SubjectKey) -> Result<Vec<GuessRow>, StoreError> {
        read_loop::guesses_about(&self.readers, subject).await
    }

    async fn guess_head(&self, subject: SubjectKey) -> Result<i64, StoreError> {
        read_loop::guess_head(&self.readers, subject).await
    }

    async fn unlock_request(&self, subject: SubjectKey) -> Result<Option<(String, i64)>, StoreError> {
        read_loop::unlock_request(&self.readers, subject).await
    }

    async fn settle(&self, name: &str, value: &str) -> Result<String, StoreError> {
        let work = Work::Settle(name.to_owned(), value.to_owned());
        self.writer().submit(work).await?;
        read::settled(&self.readers, name).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        read::pending_entries(&self.readers, &self.node.origin, 0).await?;
        self.writer().submit(Work::Ping).await?;
        Ok(())
    }

    async fn close(&self) {
        // Readers first: the last connection to close checkpoints, and only the writer may.
        self.readers.close().await;
        for writer in &self.writers {
            writer.close().await;
        }
    }
}
