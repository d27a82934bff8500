//! What nodes ask each other.

use async_trait::async_trait;

use crate::error::StoreError;

/// What nodes ask each other.
#[async_trait]
pub trait AskStore: Send + Sync {
    /// Asks the node of `origin` something, under a fresh id.
    async fn ask(&self, id: &str, origin: &str, question: &str, at_us: i64) -> Result<(), StoreError>;

    /// What this node is asked: ids and questions.
    async fn asks(&self) -> Result<Vec<(String, String)>, StoreError>;

    /// Answers a question.
    async fn answer(&self, id: &str, answer: &[u8]) -> Result<(), StoreError>;

    /// Takes the answer to a question of this node away.
    async fn take_answer(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError>;
}
