//! What the hub publishes on the bus and takes from it; the port itself is `ports::bus`.

pub mod checkpoints;
pub mod completed;
pub mod dead_letter;
pub mod envelope;
pub mod feed;
pub mod outbox;
pub mod requests;

/// The parts of a subject's key as text.
pub(super) fn key_of(subject: &[u8; 16]) -> Vec<u8> {
    super::foundation::hex::hex(subject).into_bytes()
}
