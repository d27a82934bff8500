//! Answers that go out as lines while the questions still come in. A few blocks wait for the reader, so a slow reader slows
//! whoever makes them; one that takes nothing at all is cut off by the listener's own limit (`cli/boot.rs`).

use actix_web::{HttpResponse, web};
use tokio::sync::mpsc;

use super::verifications::NO_STORE;

/// Blocks of answers that wait for the reader.
const BLOCKS_WAITING_MAX: usize = 4;

/// The way to one reader.
pub(super) struct ReaderOutflow(mpsc::Sender<Result<web::Bytes, actix_web::Error>>);

/// The reader went away.
pub(super) struct ReaderGone;

impl ReaderOutflow {
    /// A way, and the response that its reader reads.
    pub(super) fn open() -> (Self, HttpResponse) {
        let (blocks, body) = mpsc::channel(BLOCKS_WAITING_MAX);
        let body = futures_util::stream::unfold(body, async |mut body| body.recv().await.map(|block| (block, body)));
        let response = HttpResponse::Ok()
            .content_type("application/x-ndjson")
            .insert_header(NO_STORE)
            .streaming(Box::pin(body));
        (Self(blocks), response)
    }

    /// Tells lines.
    ///
    /// # Errors
    /// Nobody reads.
    pub(super) async fn tell(&self, lines: Vec<u8>) -> Result<(), ReaderGone> {
        self.0.send(Ok(lines.into())).await.map_err(|_closed| ReaderGone)
    }
}
