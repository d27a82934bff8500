//! One file a capability: the rows that it reads and writes. The table of appliers at the end says in which order a commit is written.

mod access;
mod approvals;
mod asks;
mod cases;
mod deliveries;
mod guesses;
mod items;
mod mismatches;
mod nodes;
mod outbox;
mod positions;
mod quality;
mod quotas;
mod records;
mod replies;
mod seals;
mod supervision;
mod watches;

use heyan_domain::calendar::china_day;
use heyan_ports::store::ForgetBefore;

use crate::{
    apply::run,
    batch::{ApplyResult, CommitBatch},
    engine::{EngineName, StatementCall, StoreEngine},
    fault::StoreFault,
    notice,
    pool::ConnectionLease,
    statement, tallies,
};

pub(crate) use self::{
    access::use_once,
    nodes::settle,
    outbox::{forget_entries, take_over},
};

/// Writes the rows of one capability, of all batches.
type TableApplier<E> = for<'a, 'l> fn(&'a mut ConnectionLease<'l, E>, &'a [&'a CommitBatch]) -> ApplyResult<'a>;

/// In this order: watches are woken by the records that were written before them, steps come before the events that tell of them.
const fn appliers<E: StoreEngine>() -> [TableApplier<E>; 14] {
    [
        records::apply,
        watches::wake,
        access::apply,
        approvals::apply,
        mismatches::apply,
        guesses::apply,
        items::apply,
        seals::apply,
        deliveries::apply,
        replies::apply,
        watches::apply,
        cases::apply,
        supervision::apply,
        positions::apply,
    ]
}

/// Writes all of `batches`. Returns the outbox ids of each.
pub(super) async fn apply_all<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    batches: &[&CommitBatch],
) -> Result<Vec<Vec<i64>>, StoreFault> {
    // What a try that was rolled back had counted.
    drop(conn.take_tallies());
    for apply in appliers::<E>() {
        apply(conn, batches).await?;
    }
    quality::apply(conn, batches).await?;
    let ids = outbox::apply_entries(conn, batches).await?;
    if E::ENGINE == EngineName::Postgres {
        for payload in notice::payloads(batches) {
            run(conn, statement::NOTIFY, |query| query.bind(payload)).await?;
        }
    }
    tallies::flush(conn).await?;
    Ok(ids)
}

/// Deletes what is kept for a while only and is older than the given times.
pub(super) async fn forget_old<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    before: ForgetBefore,
) -> Result<(), StoreFault> {
    drop(conn.take_tallies());
    tallies::take_off(conn, statement::SELECT_OLD_TESTS, before.tests_us).await?;
    // What refers goes before what it refers to.
    for (statement, before) in [
        (statement::DELETE_OLD_REPLIES, before.replies_us),
        (statement::DELETE_OLD_GUESSES, before.guesses_us),
        (statement::DELETE_OLD_GUESS_HEADS, before.guesses_us),
        (statement::DELETE_OLD_RIGHT, i64::from(china_day(before.guesses_us))),
        (statement::DELETE_OLD_UNLOCK_REQUESTS, before.unlocks_us),
        (statement::DELETE_OLD_WATCHES, before.watches_us),
        (statement::DELETE_OLD_CASE_CHECKS, before.cases_us),
        (statement::DELETE_OLD_CASE_PARTIES, before.cases_us),
        (statement::DELETE_OLD_CASES, before.cases_us),
        (statement::DELETE_OLD_SUBSCRIPTIONS, before.subscriptions_us),
        (statement::DELETE_OLD_TEST_DELIVERIES, before.tests_us),
        (statement::DELETE_OLD_TESTS, before.tests_us),
        (statement::DELETE_OLD_APPROVALS, before.approvals_us),
        (statement::DELETE_OLD_ASKS, before.asks_us),
        (statement::DELETE_USED_ONCE, before.used_s),
    ] {
        run(conn, statement, |query| query.bind(before)).await?;
    }
    delete_expired(conn, before.expired_us).await?;
    tallies::flush(conn).await
}

/// Deletes every mismatch that expired before a time, with its steps: memory forgets all of them at once too.
async fn delete_expired<E: StoreEngine>(conn: &mut ConnectionLease<'_, E>, before_us: i64) -> Result<(), StoreFault> {
    let delete = statement::DELETE_EXPIRED_MISMATCHES;
    loop {
        tallies::take_off(conn, statement::SELECT_EXPIRING, before_us).await?;
        run(conn, statement::DELETE_EXPIRED_STEPS, |query| query.bind(before_us)).await?;
        let call = E::call(E::text(delete)).bind(before_us);
        if conn.execute(delete.name, call).await? == 0 {
            return Ok(());
        }
    }
}
