//! A file's bytes on their way through: hashed on a thread of their own, never on one that answers calls, and never kept.
//! The way is short: a file that comes faster than it is hashed is received more slowly.

use bytes::Bytes;
use serde::Deserialize;
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{foundation::error::AppError, node::hub::Hub};
use heyan_auth::{
    file_digest::{FileDigest, FileDigests},
    signature::{SignatureCheck, SignatureVerifier},
};

/// Pieces that may wait to be hashed; a piece is what one read of the connection brought, 64 KiB at most.
const PIECES_MAX: usize = 16;

/// What a signature was made over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureOver {
    /// The file.
    #[default]
    File,
    /// The 32 bytes of its SHA-256.
    Sha256,
    /// The 32 bytes of its SM3.
    Sm3,
}

impl SignatureOver {
    /// Every word.
    pub const ALL: [Self; 3] = [Self::File, Self::Sha256, Self::Sm3];

    /// The wire word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Sha256 => "sha256",
            Self::Sm3 => "sm3",
        }
    }
}

/// A file that is being received.
pub struct FileHashing {
    pieces: mpsc::Sender<Bytes>,
    done: JoinHandle<HashedFile>,
}

/// What a whole file came to.
pub struct HashedFile {
    /// Its digests.
    pub digests: FileDigests,
    /// Whether the signature is over it; `None`: there was none that could be looked at.
    pub signature: Option<SignatureCheck>,
}

impl FileHashing {
    /// Begins with a file, and with the signature that is to be over it.
    pub fn begin(hub: &Hub, verifier: Option<(SignatureOver, Box<dyn SignatureVerifier>)>) -> Self {
        let (pieces, coming) = mpsc::channel(PIECES_MAX);
        // It ends when the sender is gone, whole or not.
        let done = hub.node.pool.spawn_blocking(move || hash(coming, verifier));
        Self { pieces, done }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// The thread is gone.
    pub async fn take(&mut self, piece: Bytes) -> Result<(), AppError> {
        let sent = self.pieces.send(piece).await;
        sent.map_err(|_gone| AppError::Internal("a file is no longer hashed"))
    }

    /// What the whole comes to.
    ///
    /// # Errors
    /// The thread is gone.
    pub async fn finish(self) -> Result<HashedFile, AppError> {
        drop(self.pieces);
        self.done
            .await
            .map_err(|_panicked| AppError::Internal("a file was not hashed"))
    }
}

fn hash(
    mut coming: mpsc::Receiver<Bytes>,
    mut verifier: Option<(SignatureOver, Box<dyn SignatureVerifier>)>,
) -> HashedFile {
    let mut digest = FileDigest::default();
    while let Some(piece) = coming.blocking_recv() {
        digest.update(&piece);
        if let Some((SignatureOver::File, verifier)) = &mut verifier {
            verifier.update(&piece);
        }
    }
    let digests = digest.finish();
    let signature = verifier.map(|(over, mut verifier)| {
        match over {
            SignatureOver::File => {}
            SignatureOver::Sha256 => verifier.update(&digests.sha256),
            SignatureOver::Sm3 => verifier.update(&digests.sm3),
        }
        verifier.finish()
    });
    HashedFile { digests, signature }
}
