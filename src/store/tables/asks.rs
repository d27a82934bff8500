//! What nodes ask each other.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    engine::{StatementCall, StoreEngine},
    notice,
    pool::ConnectionPool,
    rows::{column, fetch, fetch_one},
    sql_store::SqlStore,
    statement::{self},
};
use heyan_ports::{asks::AskStore, error::StoreError};

#[async_trait]
impl<E: StoreEngine> AskStore for SqlStore<E> {
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
        asks(&self.readers, &self.node.origin).await
    }

    async fn answer(&self, id: &str, answer: &[u8]) -> Result<(), StoreError> {
        let call = E::call(E::text(statement::UPDATE_ASK))
            .bind(id.to_owned())
            .bind(answer.to_vec());
        self.change(statement::UPDATE_ASK, call).await?;
        self.say(notice::answered(&self.node.run, id)).await
    }

    async fn take_answer(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let answer = answer(&self.readers, id).await?;
        let call = E::call(E::text(statement::DELETE_ASK)).bind(id.to_owned());
        self.change(statement::DELETE_ASK, call).await?;
        Ok(answer)
    }
}

/// What a node is asked.
pub(super) async fn asks<E: StoreEngine>(
    pool: &ConnectionPool<E>,
    origin: &Arc<str>,
) -> Result<Vec<(String, String)>, StoreError> {
    let read = |row: &E::Row| Ok((column(row, 0, "asks", "id")?, column(row, 1, "asks", "question")?));
    fetch(
        pool,
        statement::SELECT_ASKS,
        |query| query.bind(Arc::clone(origin)),
        read,
    )
    .await
}

/// The answer to a question, when there is one.
pub(super) async fn answer<E: StoreEngine>(pool: &ConnectionPool<E>, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let id = id.to_owned();
    let read = |row: &E::Row| column(row, 0, "asks", "answer");
    fetch_one(pool, statement::SELECT_ASK, |query| query.bind(id), read).await
}
