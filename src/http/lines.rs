//! Lines of a request body as they arrive: whole lines in blocks, bounded in memory whatever the length of the body.
//! A line that is too long is skipped to its end and told as such; what follows it is read.

use std::time::Duration;

use actix_web::web;
use futures_util::{FutureExt, StreamExt};

use super::{
    extract,
    problem::{ProblemCode, ProblemDocument},
};

/// What came next.
pub(super) enum LineBlock {
    /// One or more whole lines, the last without its line feed.
    Lines(web::Bytes),
    /// A line longer than allowed was passed over.
    TooLong,
}

/// Reads lines.
pub(super) struct LineReader {
    payload: web::Payload,
    buffer: web::BytesMut,
    line_bytes_max: usize,
    idle_max: Duration,
    place: LinePlace,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LinePlace {
    InBody,
    InLongLine,
    AtEnd,
}

/// Bytes after which a block is not made longer.
const BLOCK_BYTES: usize = 65_536;

impl LineReader {
    pub(super) fn new(payload: web::Payload, line_bytes_max: usize, idle_max: Duration) -> Self {
        Self {
            payload,
            buffer: web::BytesMut::new(),
            line_bytes_max,
            idle_max,
            place: LinePlace::InBody,
        }
    }

    /// The first line alone.
    pub(super) async fn first(&mut self) -> Result<web::Bytes, ProblemDocument> {
        loop {
            if let Some(position) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let mut line = self.buffer.split_to(position + 1);
                line.truncate(position);
                return Ok(line.freeze());
            }
            if self.buffer.len() > self.line_bytes_max {
                return Err(ProblemDocument::new(ProblemCode::BodyTooLarge));
            }
            if self.place == LinePlace::AtEnd {
                return Ok(self.buffer.split().freeze());
            }
            self.fill().await?;
        }
    }

    /// The next lines; `None` at the end of the body.
    pub(super) async fn next(&mut self) -> Result<Option<LineBlock>, ProblemDocument> {
        loop {
            if self.place == LinePlace::InLongLine {
                match self.buffer.iter().position(|byte| *byte == b'\n') {
                    Some(position) => {
                        let _skipped = self.buffer.split_to(position + 1);
                        self.place = LinePlace::InBody;
                        return Ok(Some(LineBlock::TooLong));
                    }
                    None => self.buffer.clear(),
                }
            } else if let Some(last) = self.buffer.iter().rposition(|byte| *byte == b'\n') {
                let mut lines = self.buffer.split_to(last + 1);
                lines.truncate(last);
                return Ok(Some(LineBlock::Lines(lines.freeze())));
            } else if self.buffer.len() > self.line_bytes_max {
                self.place = LinePlace::InLongLine;
                continue;
            }
            if self.place == LinePlace::AtEnd {
                let rest = self.buffer.split().freeze();
                return Ok((!rest.is_empty()).then_some(LineBlock::Lines(rest)));
            }
            self.fill().await?;
        }
    }

    /// Waits for more, and takes what is there already.
    async fn fill(&mut self) -> Result<(), ProblemDocument> {
        let next = tokio::time::timeout(self.idle_max, self.payload.next()).await;
        let mut received = next.map_err(|_elapsed| ProblemDocument::new(ProblemCode::RequestTimeout))?;
        loop {
            match received {
                Some(piece) => self.buffer.extend_from_slice(&extract::chunk(piece)?),
                None => {
                    if self.place == LinePlace::InLongLine {
                        self.buffer.extend_from_slice(b"\n");
                    }
                    self.place = if self.place == LinePlace::InLongLine {
                        LinePlace::InLongLine
                    } else {
                        LinePlace::AtEnd
                    };
                    return Ok(());
                }
            }
            if self.buffer.len() >= BLOCK_BYTES {
                return Ok(());
            }
            match self.payload.next().now_or_never() {
                Some(more) => received = more,
                None => return Ok(()),
            }
        }
    }
}
