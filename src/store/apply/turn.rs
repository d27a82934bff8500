//! Applies what a commit writes of the loop, row by row, inside the transaction of its batch.
//! A mismatch is compared and set by its revision; a second event of a cause, delivery, answer or alert is passed over, but
//! a second idempotency key is a conflict: somebody else has answered it.

use std::sync::Arc;

use super::send::{changed, run, send_rows};
use crate::batch::{Turn, hex, json_text, keys_text};
use crate::engine::{Call, Engine, EngineName};
use crate::fault::Fault;
use crate::pool::Lease;
use crate::read::column;
use crate::statement::{self, Statement};
use heyan_domain::budget::Standing;
use heyan_ports::rows::{
    AnswerRow, DeliveryResult, DeliveryRow, EventRow, GuessRow, ItemRow, MismatchWrite, RowKey, SavedReply, SealRow,
    SubscriptionRow, UnlockWrite,
};
use heyan_ports::store::{Before, StoreError, SubjectKey};

/// Writes all of `turns`. Rows that only come in go first, those of all turns together: each statement costs a hand-over between
/// two threads. What changes rows follows, turn by turn.
pub(super) async fn apply_all<E: Engine>(conn: &mut Lease<'_, E>, turns: &[&Turn]) -> Result<(), Fault> {
    let mismatches = || turns.iter().flat_map(|turn| &turn.mismatches);
    let opened: Vec<&MismatchWrite> = mismatches().filter(|write| write.row.revision == 1).collect();
    none_stands(conn, turns).await?;
    send_rows(conn, &statement::INSERT_MISMATCHES, &opened, bind_opened).await?;
    send_rows(conn, &statement::INSERT_STEPS, &opened, bind_step).await?;
    for write in mismatches().filter(|write| write.row.revision != 1) {
        changed(conn, statement::UPDATE_MISMATCH, 1, |query| bind_changed(query, write)).await?;
        send_rows(conn, &statement::INSERT_STEPS, &[write], bind_step).await?;
    }
    let events: Vec<&EventRow> = turns.iter().flat_map(|turn| &turn.events).collect();
    send_rows(conn, &statement::INSERT_EVENTS, &events, bind_event).await?;
    apply_guesses(conn, turns).await?;
    for turn in turns {
        apply_rest(conn, turn).await?;
    }
    Ok(())
}

/// A conflict when there is a mismatch of the matter and the fields of one that is opened as the first.
async fn none_stands<E: Engine>(conn: &mut Lease<'_, E>, turns: &[&Turn]) -> Result<(), Fault> {
    let first = turns.iter().filter(|turn| turn.opens_first);
    let first = first.flat_map(|turn| &turn.mismatches).map(|write| &write.row);
    let first: Vec<_> = first
        .filter(|row| row.revision == 1)
        .map(|row| {
            let matter = hex(SubjectKey(row.matter));
            (hex(row.subject), &*row.dataset, matter, json_text(&row.fields))
        })
        .collect();
    if first.is_empty() {
        return Ok(());
    }
    let statement = statement::SELECT_STANDING;
    let call = E::call(E::text(statement)).bind(json_text(&first));
    match conn.rows(statement.name, call).await?.is_empty() {
        true => Ok(()),
        false => Err(Fault::Conflict),
    }
}

/// Counts and forgives guesses, in the order of the turns: one that is counted after it was forgiven counts.
async fn apply_guesses<E: Engine>(conn: &mut Lease<'_, E>, turns: &[&Turn]) -> Result<(), Fault> {
    let mut counted: Vec<&GuessRow> = Vec::new();
    for head in turns.iter().filter_map(|turn| turn.guess_head) {
        let bind = |query: E::Call| query.bind(bytes(head.subject)).bind(head.revision).bind(head.expected);
        changed(conn, statement::SET_GUESS_HEAD, 1, bind).await?;
    }
    for turn in turns {
        counted.extend(&turn.guesses);
        if !turn.forgiven.is_empty() {
            send_rows(conn, &statement::INSERT_GUESSES, &counted, bind_guess).await?;
            counted.clear();
        }
        for subject in &turn.forgiven {
            run(conn, statement::DELETE_GUESSES, |query| query.bind(bytes(*subject))).await?;
        }
    }
    send_rows(conn, &statement::INSERT_GUESSES, &counted, bind_guess).await
}

/// Writes what is left of `turn`: deliveries, and what there are few of.
async fn apply_rest<E: Engine>(conn: &mut Lease<'_, E>, turn: &Turn) -> Result<(), Fault> {
    if let Some(unlock) = &turn.unlock {
        apply_unlock(conn, unlock).await?;
    }
    for row in &turn.items {
        changed(conn, statement::UPSERT_ITEM, 1, |query| bind_item(query, row)).await?;
    }
    for row in &turn.seals {
        changed(conn, statement::UPSERT_SEAL, 1, |query| bind_seal(query, row)).await?;
    }
    if !turn.fanned.is_empty() {
        let fanned = keys_text(&turn.fanned);
        changed(conn, statement::MARK_FANNED, turn.fanned.len(), |query| {
            query.bind(fanned)
        })
        .await?;
    }
    // Events that may have nothing pending any more.
    let mut told = turn.fanned.clone();
    for delivery in &turn.deliveries {
        told.extend(apply_delivery(conn, delivery).await?);
    }
    for result in &turn.delivery_results {
        // No row: the delivery was superseded or cancelled while it was tried.
        let bind = |query| bind_result(query, result);
        let event = events_of(conn, statement::UPDATE_DELIVERY, result.key.subject, bind).await?;
        if result.state != "pending" {
            told.extend(event);
        }
    }
    if !told.is_empty() {
        if E::ENGINE == EngineName::Postgres {
            // Two commits that each end one of the last two deliveries do not see each other: the second waits for the first here.
            run(conn, statement::LOCK_TOLD, |query| query.bind(keys_text(&told))).await?;
        }
        run(conn, statement::MARK_TOLD, |query| query.bind(keys_text(&told))).await?;
    }
    for subscription in &turn.subscriptions {
        let bind = |query| bind_subscription(query, subscription);
        changed(conn, statement::UPSERT_SUBSCRIPTION, 1, bind).await?;
    }
    apply_answers(conn, &turn.answers).await?;
    for (name, position) in &turn.positions {
        let bind = |query: E::Call| query.bind(name.clone()).bind(position.clone()).bind(turn.at);
        changed(conn, statement::UPSERT_POSITION, 1, bind).await?;
    }
    if let Some(reply) = &turn.reply {
        changed(conn, statement::INSERT_REPLY, 1, |query| bind_reply(query, reply)).await?;
    }
    crate::watches::apply(conn, &turn.watches).await?;
    crate::cases::apply(conn, &turn.cases).await?;
    super::supervision::apply(conn, turn).await?;
    super::bus::apply(conn, &turn.bus, turn.at).await
}

async fn apply_unlock<E: Engine>(conn: &mut Lease<'_, E>, unlock: &UnlockWrite) -> Result<(), Fault> {
    match unlock {
        UnlockWrite::Waits {
            subject,
            client,
            at,
            older_than,
        } => {
            let bind = |query: E::Call| {
                let query = query.bind(bytes(*subject)).bind(client.clone());
                query.bind(*at).bind(*older_than)
            };
            changed(conn, statement::UPSERT_UNLOCK_REQUEST, 1, bind).await
        }
        UnlockWrite::Seconded { subject, client } => {
            let bind = |query: E::Call| query.bind(bytes(*subject)).bind(client.clone());
            changed(conn, statement::DELETE_UNLOCK_REQUEST, 1, bind).await
        }
    }
}

/// Deletes saved replies and guesses older than the given times.
pub(crate) async fn forget_old<E: Engine>(conn: &mut Lease<'_, E>, before: Before) -> Result<(), Fault> {
    run(conn, statement::DELETE_OLD_REPLIES, |query| {
        query.bind(before.replies_us)
    })
    .await?;
    run(conn, statement::DELETE_OLD_GUESSES, |query| {
        query.bind(before.guesses_us)
    })
    .await?;
    run(conn, statement::DELETE_OLD_GUESS_HEADS, |query| {
        query.bind(before.guesses_us)
    })
    .await?;
    run(conn, statement::DELETE_OLD_UNLOCK_REQUESTS, |query| {
        query.bind(before.unlocks_us)
    })
    .await?;
    run(conn, statement::DELETE_OLD_WATCHES, |query| {
        query.bind(before.watches_us)
    })
    .await?;
    run(conn, statement::DELETE_OLD_ASKS, |query| query.bind(before.asks_us)).await?;
    run(conn, statement::DELETE_USED_ONCE, |query| query.bind(before.used_s)).await
}

/// Runs a statement that changes deliveries of a subject; answers the events of those that it changed.
async fn events_of<E: Engine>(
    conn: &mut Lease<'_, E>,
    statement: Statement,
    subject: SubjectKey,
    bind: impl FnOnce(E::Call) -> E::Call,
) -> Result<Vec<RowKey>, Fault> {
    let call = bind(E::call(E::text(statement)));
    let rows = conn.rows(statement.name, call).await?;
    let event = |row: &E::Row| {
        let id = column(row, 0, "deliveries", "event")?;
        Ok(RowKey { subject, id })
    };
    rows.iter()
        .map(event)
        .collect::<Result<_, _>>()
        .map_err(|_bad: StoreError| Fault::BadRow {
            table: "deliveries",
            column: "event",
        })
}

fn bind_item<Q: Call>(query: Q, row: &ItemRow) -> Q {
    query
        .bind(row.code.clone())
        .bind(i64::from(row.version))
        .bind(row.body.clone())
        .bind(row.updated_at)
}

fn bind_seal<Q: Call>(query: Q, row: &SealRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(row.state.clone())
        .bind(row.until)
        .bind(i64::from(row.revision))
        .bind(row.facts.clone())
        .bind(row.created_at)
        .bind(row.updated_at)
}

fn bind_opened<Q: Call>(query: Q, write: &MismatchWrite) -> Q {
    let row = &write.row;
    query
        .bind(row.id.clone())
        .bind(Arc::clone(&row.dataset))
        .bind(bytes(row.subject))
        .bind(row.agency.clone())
        .bind(row.matter.to_vec())
        .bind(json_text(&row.fields))
        .bind(i64::from(row.record_version))
        .bind(row.state.clone())
        .bind(i64::from(row.is_final))
        .bind(row.due_on.clone())
        .bind(row.awaits.clone())
        .bind(i64::from(row.revision))
        .bind(row.opened_at)
        .bind(row.updated_at)
        .bind(row.facts.clone())
}

fn bind_changed<Q: Call>(query: Q, write: &MismatchWrite) -> Q {
    let row = &write.row;
    query
        .bind(bytes(row.subject))
        .bind(row.id.clone())
        .bind(row.state.clone())
        .bind(i64::from(row.is_final))
        .bind(row.due_on.clone())
        .bind(row.awaits.clone())
        .bind(i64::from(row.revision))
        .bind(row.updated_at)
        .bind(row.facts.clone())
        .bind(i64::from(row.record_version))
}

fn bind_step<Q: Call>(query: Q, write: &MismatchWrite) -> Q {
    let step = &write.step;
    query
        .bind(bytes(write.row.subject))
        .bind(write.row.id.clone())
        .bind(i64::from(step.seq))
        .bind(step.at)
        .bind(step.action.clone())
        .bind(step.state.clone())
        .bind(step.actor)
        .bind(step.note.clone())
}

/// Inserts a delivery; answers the events of those that it supersedes.
async fn apply_delivery<E: Engine>(conn: &mut Lease<'_, E>, row: &DeliveryRow) -> Result<Vec<RowKey>, Fault> {
    run(conn, statement::INSERT_DELIVERY, |query| {
        query
            .bind(row.id.clone())
            .bind(row.event.clone())
            .bind(row.target.clone())
            .bind(bytes(row.subject))
            .bind(row.reason)
            .bind(row.next_at)
            .bind(row.created_at)
            .bind(row.created_at)
    })
    .await?;
    if !row.supersedes {
        return Ok(Vec::new());
    }
    let bind = |query: E::Call| {
        query
            .bind(row.target.clone())
            .bind(bytes(row.subject))
            .bind(row.created_at)
    };
    events_of(conn, statement::SUPERSEDE_DELIVERIES, row.subject, bind).await
}

async fn apply_answers<E: Engine>(conn: &mut Lease<'_, E>, answers: &[AnswerRow]) -> Result<(), Fault> {
    let sql = &*statement::INSERT_ANSWERS;
    for (text, run) in sql.runs::<E, _>(answers) {
        let call = run.iter().fold(E::call(text), |query, row| {
            query
                .bind(row.subject.to_vec())
                .bind(i64::from(row.agency))
                .bind(row.version)
                .bind(row.verification.clone())
                .bind(row.at)
        });
        conn.execute(sql.name, call).await?;
    }
    Ok(())
}

fn bytes(subject: SubjectKey) -> Vec<u8> {
    subject.0.to_vec()
}

fn bind_guess<Q: Call>(query: Q, row: &GuessRow) -> Q {
    query
        .bind(bytes(row.subject))
        .bind(row.field.clone())
        .bind(row.value.to_vec())
        .bind(i64::from(row.agency))
        .bind(i64::from(row.standing == Standing::OpenMatter))
        .bind(i64::from(row.units))
        .bind(row.at)
}

fn bind_event<Q: Call>(query: Q, row: &EventRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(row.kind)
        .bind(row.dataset.clone())
        .bind(bytes(row.subject.unwrap_or(SubjectKey::NOBODY)))
        .bind(row.version.map(i64::from))
        .bind(row.mismatch.clone())
        .bind(row.agency.clone())
        .bind(row.facts.clone())
        .bind(row.at)
        .bind(i64::from(row.is_fanned))
        .bind(i64::from(row.is_published))
}

fn bind_result<Q: Call>(query: Q, row: &DeliveryResult) -> Q {
    query
        .bind(bytes(row.key.subject))
        .bind(row.key.id.clone())
        .bind(row.state)
        .bind(i64::from(row.attempts))
        .bind(row.next_at)
        .bind(row.last_result)
        .bind(row.last_status.map(i64::from))
        .bind(row.at)
}

fn bind_subscription<Q: Call>(query: Q, row: &SubscriptionRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(row.agency.clone())
        .bind(row.url.clone())
        .bind(json_text(&row.events))
        .bind(json_text(&row.datasets))
        .bind(row.until)
        .bind(i64::from(row.supersedes))
        .bind(row.secret.clone())
        .bind(row.previous_secret.clone())
        .bind(row.previous_valid_until)
        .bind(row.state.clone())
        .bind(row.created_at)
        .bind(row.updated_at)
}

fn bind_reply<Q: Call>(query: Q, row: &SavedReply) -> Q {
    query
        .bind(row.client.clone())
        .bind(row.key.clone())
        .bind(row.fingerprint.to_vec())
        .bind(i64::from(row.status))
        .bind(row.body.clone())
        .bind(row.at)
}
