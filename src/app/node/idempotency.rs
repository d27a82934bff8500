//! Idempotency keys: the first answer to a key is kept, and given again byte for byte (draft-ietf-httpapi-idempotency-key).
//! A change saves its answer in its own commit, so that neither is ever without the other.

use super::under_way::UnderWay;
use std::sync::PoisonError;

use super::hub::Hub;
use crate::foundation::{error::AppError, vault::SealPlace};
use heyan_ports::commit::Commit;
use heyan_ports::{error::StoreError, quotas::QuotaKind, replies::SavedReply};

/// Longest key, bytes.
pub const KEY_BYTES_MAX: usize = 255;

/// A key whose request is under way; free again when dropped.
pub struct KeySlot {
    client: String,
    key: String,
    fingerprint: [u8; 32],
    under_way: UnderWay,
}

impl Drop for KeySlot {
    fn drop(&mut self) {
        let mut keys = self.under_way.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.remove(&(self.client.clone(), self.key.clone()));
    }
}

/// What a key means for a request.
pub enum KeyState {
    /// It is new: answer, and save the answer.
    New(KeySlot),
    /// It was answered: status and body.
    Answered(u16, Vec<u8>),
}

/// Begins a request of `client` with `key`; `fingerprint` is the SHA-256 of method, path and body.
///
/// # Errors
/// The key belongs to another request, or its first request is under way.
pub async fn begin(hub: &Hub, client: &str, key: &str, fingerprint: [u8; 32]) -> Result<KeyState, AppError> {
    let free = {
        let mut keys = hub.node.under_way.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert((client.to_owned(), key.to_owned()))
    };
    if !free {
        return Err(AppError::InProgress);
    }
    let slot = KeySlot {
        client: client.to_owned(),
        key: key.to_owned(),
        fingerprint,
        under_way: hub.node.under_way.clone(),
    };
    match hub.store.reply(client, key).await? {
        None => {
            let access = hub.access.table.load_full();
            let agency = access
                .clients
                .get(client)
                .and_then(|client| client.row.agency.as_deref());
            if let Some(agency) = agency {
                hub.ensure_quota(agency, QuotaKind::SavedReplies).await?;
            }
            Ok(KeyState::New(slot))
        }
        Some(reply) if reply.fingerprint == fingerprint => {
            let body = hub.secrets.vault.open(place(&slot.row()), &reply.body)?;
            Ok(KeyState::Answered(reply.status, body))
        }
        Some(_) => Err(AppError::KeyReused),
    }
}

fn place(row: &str) -> SealPlace<'_> {
    SealPlace {
        table: "replies",
        column: "body",
        row,
    }
}

impl KeySlot {
    fn row(&self) -> String {
        format!("{}\u{0}{}", self.client, self.key)
    }

    /// The answer, as a commit saves it.
    ///
    /// # Errors
    /// Returns an error if the sealing key is used up.
    pub fn answer(&self, hub: &Hub, status: u16, body: &[u8]) -> Result<SavedReply, AppError> {
        Ok(SavedReply {
            client: self.client.clone(),
            key: self.key.clone(),
            fingerprint: self.fingerprint,
            status,
            body: hub.secrets.vault.seal(place(&self.row()), body)?,
            at: hub.clock.now_us(),
        })
    }

    /// Saves a refusal: what was decided once is decided for this key.
    ///
    /// # Errors
    /// Returns an error if the store cannot be reached.
    pub async fn refuse(&self, hub: &Hub, status: u16, body: &[u8]) -> Result<(), AppError> {
        let commit = Commit::default().with(self.answer(hub, status, body)?);
        match hub.write(commit).await {
            // Another node answered it in between; that answer stands.
            Ok(_) | Err(AppError::Store(StoreError::Conflict)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
