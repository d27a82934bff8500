//! Offers to change the protocol of a connection (`Connection: Upgrade`) are ignored, as RFC 9110 §7.8 allows, and the connection is kept.
//!
//! The server would answer such a request with `connection: upgrade` and then close. Java's HTTP client offers HTTP/2 in each request on
//! plain HTTP. So the offer is taken out of the head before the server reads it. Only a connection whose first request holds an offer is
//! looked at further: for every other connection the cost is one look at its first bytes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_web::web::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Longest head of a request, bytes; a longer one is passed on as it is and refused by the server.
const HEAD_BYTES_MAX: usize = 131_072;

/// Most headers of a request, as the server has it.
const HEADERS_MAX: usize = 96;

/// Bytes that are read at once from a connection with offers.
const READ_BYTES: usize = 8_192;

/// A connection without offers to upgrade.
pub(super) struct WithoutUpgrades<S> {
    stream: S,
    mode: RewriteMode,
}

enum RewriteMode {
    /// Nothing was read yet.
    New,
    /// Bytes are passed on as they are.
    Plain,
    /// Heads are rewritten.
    Rewritten(Box<OfferRewriter>),
}

impl<S> WithoutUpgrades<S> {
    /// A connection that was just accepted.
    pub(super) const fn new(stream: S) -> Self {
        Self {
            stream,
            mode: RewriteMode::New,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WithoutUpgrades<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { stream, mode } = &mut *self;
        match mode {
            RewriteMode::Plain => Pin::new(stream).poll_read(cx, buf),
            RewriteMode::New => {
                let before = buf.filled().len();
                ready!(Pin::new(stream).poll_read(cx, buf))?;
                let first = buf.filled().get(before..).unwrap_or_default();
                if !offers_upgrade(first) {
                    *mode = RewriteMode::Plain;
                    return Poll::Ready(Ok(()));
                }
                let mut rewriter = OfferRewriter::default();
                rewriter.take(first);
                buf.set_filled(before);
                *mode = RewriteMode::Rewritten(Box::new(rewriter));
                self.poll_read(cx, buf)
            }
            RewriteMode::Rewritten(rewriter) => {
                while rewriter.ready.is_empty() {
                    let mut space = [0; READ_BYTES];
                    let mut read = ReadBuf::new(&mut space);
                    ready!(Pin::new(&mut *stream).poll_read(cx, &mut read))?;
                    if read.filled().is_empty() {
                        rewriter.finish();
                        break;
                    }
                    rewriter.take(read.filled());
                }
                let length = rewriter.ready.len().min(buf.remaining());
                buf.put_slice(&rewriter.ready.split_to(length));
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WithoutUpgrades<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Whether the head at the beginning of `bytes` has a `Connection` header with the option `upgrade`.
fn offers_upgrade(bytes: &[u8]) -> bool {
    let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let head = lines.take_while(|line| !line.is_empty());
    let mut values = head.filter_map(|line| {
        let (name, value) = line.split_at_checked(b"connection:".len())?;
        name.eq_ignore_ascii_case(b"connection:").then_some(value)
    });
    values.any(|value| options(value).any(|option| option.eq_ignore_ascii_case(b"upgrade")))
}

/// Options of a `Connection` header.
fn options(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

/// Where the next byte of a connection stands.
#[derive(Clone, Copy)]
enum StreamPosition {
    Head,
    /// So many bytes of the body are to come.
    Body(u64),
    ChunkSize,
    /// So many bytes of the chunk are to come, with the line end behind it.
    Chunk(u64),
    Trailers,
    /// What follows cannot be told apart, and is passed on as it is.
    Unknown,
}

/// Reads requests one after another and writes them again without their offers; bodies stay as they are.
struct OfferRewriter {
    /// Read, and not understood yet.
    pending: BytesMut,
    /// For the server.
    ready: BytesMut,
    position: StreamPosition,
}

impl Default for OfferRewriter {
    fn default() -> Self {
        Self {
            pending: BytesMut::new(),
            ready: BytesMut::new(),
            position: StreamPosition::Head,
        }
    }
}

impl OfferRewriter {
    fn take(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        while !self.pending.is_empty() && self.step() {}
    }

    /// The connection has ended: what is left is passed on.
    fn finish(&mut self) {
        self.position = StreamPosition::Unknown;
        self.step();
    }

    fn pass(&mut self, length: usize) {
        let length = length.min(self.pending.len());
        self.ready.extend_from_slice(&self.pending.split_to(length));
    }

    /// Goes on by one part; `false`: more bytes are needed.
    fn step(&mut self) -> bool {
        match self.position {
            StreamPosition::Head => return self.head(),
            StreamPosition::Body(left) => {
                self.position = self.pass_body(left).map_or(StreamPosition::Head, StreamPosition::Body);
            }
            StreamPosition::Chunk(left) => {
                self.position = self
                    .pass_body(left)
                    .map_or(StreamPosition::ChunkSize, StreamPosition::Chunk);
            }
            StreamPosition::ChunkSize => match httparse::parse_chunk_size(&self.pending) {
                Ok(httparse::Status::Complete((length, 0))) => {
                    self.pass(length);
                    self.position = StreamPosition::Trailers;
                }
                Ok(httparse::Status::Complete((length, size))) => {
                    self.pass(length);
                    self.position = StreamPosition::Chunk(size.saturating_add(2));
                }
                Ok(httparse::Status::Partial) => return false,
                Err(_no_size) => self.position = StreamPosition::Unknown,
            },
            StreamPosition::Trailers => {
                let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') else {
                    return false;
                };
                let is_last = self.pending.get(..end).is_some_and(|line| line.trim_ascii().is_empty());
                self.pass(end.saturating_add(1));
                if is_last {
                    self.position = StreamPosition::Head;
                }
            }
            StreamPosition::Unknown => self.pass(usize::MAX),
        }
        true
    }

    /// Passes on what is there of a body of `left` bytes; what is left then.
    fn pass_body(&mut self, left: u64) -> Option<u64> {
        let here = self.pending.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.pass(here);
        let rest = left.saturating_sub(u64::try_from(here).unwrap_or(u64::MAX));
        (rest > 0).then_some(rest)
    }

    fn head(&mut self) -> bool {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&self.pending) {
            Ok(httparse::Status::Complete(length)) => {
                let body = body_of(request.headers);
                let written = write_head(&request, &mut self.ready);
                if written.is_none() {
                    self.pass(length);
                } else {
                    drop(self.pending.split_to(length));
                }
                self.position = body;
                true
            }
            Ok(httparse::Status::Partial) if self.pending.len() < HEAD_BYTES_MAX => false,
            Ok(httparse::Status::Partial) | Err(_) => {
                self.position = StreamPosition::Unknown;
                true
            }
        }
    }
}

/// How the body behind a head is told from the next head. A head that the server refuses gives no answer here.
fn body_of(headers: &[httparse::Header<'_>]) -> StreamPosition {
    let values = |wanted: &str| {
        let named = headers.iter().filter(|header| header.name.eq_ignore_ascii_case(wanted));
        named.map(|header| header.value.trim_ascii()).collect::<Vec<_>>()
    };
    match (&*values("transfer-encoding"), &*values("content-length")) {
        ([], []) => StreamPosition::Head,
        ([], [length]) => {
            let length = std::str::from_utf8(length).ok().and_then(|text| text.parse().ok());
            match length {
                Some(0) => StreamPosition::Head,
                length => length.map_or(StreamPosition::Unknown, StreamPosition::Body),
            }
        }
        ([coding], []) if coding.eq_ignore_ascii_case(b"chunked") => StreamPosition::ChunkSize,
        _ => StreamPosition::Unknown,
    }
}

/// Writes a head without its offers; `None`, and nothing is written, where a part of the first line is missing.
fn write_head(request: &httparse::Request<'_, '_>, out: &mut BytesMut) -> Option<()> {
    let (method, path, version) = (request.method?, request.path?, request.version?);
    out.extend_from_slice(format!("{method} {path} HTTP/1.{version}\r\n").as_bytes());
    let is_offer = |name: &[u8]| name.eq_ignore_ascii_case(b"upgrade") || name.eq_ignore_ascii_case(b"http2-settings");
    for header in request
        .headers
        .iter()
        .filter(|header| !is_offer(header.name.as_bytes()))
    {
        let value = if header.name.eq_ignore_ascii_case("connection") {
            let kept: Vec<&[u8]> = options(header.value).filter(|option| !is_offer(option)).collect();
            kept.join(&b", "[..])
        } else {
            header.value.to_vec()
        };
        out.extend_from_slice(header.name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(&value);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    Some(())
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// What the server reads of `parts`, each of which comes in one piece.
    async fn read(parts: &[&[u8]]) -> String {
        let mut stream = script(parts);
        let (mut all, mut space) = (Vec::new(), [0; 4_096]);
        loop {
            match stream.read(&mut space).await.unwrap() {
                0 => return String::from_utf8(all).unwrap(),
                length => all.extend_from_slice(&space[..length]),
            }
        }
    }

    /// A stream that gives one part at each read.
    struct Script(std::collections::VecDeque<Vec<u8>>);

    impl AsyncRead for Script {
        fn poll_read(mut self: Pin<&mut Self>, _cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            if let Some(part) = self.0.pop_front() {
                buf.put_slice(&part);
            }
            Poll::Ready(Ok(()))
        }
    }

    fn script(parts: &[&[u8]]) -> WithoutUpgrades<Script> {
        WithoutUpgrades::new(Script(parts.iter().map(|part| part.to_vec()).collect()))
    }

    const OFFER: &str = "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\nUpgrade: h2c\r\n";

    #[tokio::test]
    async fn an_offer_is_taken_out_and_the_rest_stays() {
        let text = format!("GET /docs HTTP/1.1\r\nHost: a\r\n{OFFER}User-Agent: Java\r\n\r\n");
        let expected = "GET /docs HTTP/1.1\r\nHost: a\r\nConnection: \r\nUser-Agent: Java\r\n\r\n";
        assert_eq!(read(&[text.as_bytes()]).await, expected);
    }

    #[tokio::test]
    async fn bodies_stay_as_they_are_and_every_request_of_the_connection_is_rewritten() {
        let body = "x\r\nConnection: Upgrade\r\n\r\n";
        let with_length = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n{OFFER}\r\n{body}", body.len());
        let chunked = format!(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n{OFFER}\r\n{:x}\r\n{body}\r\n0\r\nA: b\r\n\r\n",
            body.len()
        );
        let text = [with_length.as_str(), &chunked, &with_length].concat();
        let expected = text.replace(OFFER, "Connection: \r\n");
        assert_eq!(read(&[text.as_bytes()]).await, expected);
        // In pieces of any size, as long as the first one shows the offer.
        let first = text.find("\r\n\r\n").unwrap();
        for size in [1, 2, 3, 7, 50] {
            let (head, rest) = text.as_bytes().split_at(first);
            let parts: Vec<&[u8]> = std::iter::once(head).chain(rest.chunks(size)).collect();
            assert_eq!(read(&parts).await, expected, "{size}");
        }
    }

    #[tokio::test]
    async fn a_connection_without_an_offer_is_passed_on_byte_by_byte() {
        let text = "GET  /x HTTP/1.1\nconnection:keep-alive\n\nanything \u{1}";
        assert_eq!(read(&[text.as_bytes()]).await, text);
        let later = format!("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n{OFFER}\r\n");
        assert_eq!(read(&[later.as_bytes()]).await, later);
    }

    #[tokio::test]
    async fn what_cannot_be_told_apart_is_passed_on() {
        for odd in [
            "Content-Length: 1\r\nContent-Length: 2\r\n",
            "Transfer-Encoding: gzip\r\n",
            "Content-Length: -1\r\n",
        ] {
            let text = format!("POST / HTTP/1.1\r\n{odd}{OFFER}\r\nGET / HTTP/1.1\r\n{OFFER}\r\n");
            let expected = text.replacen(OFFER, "Connection: \r\n", 1);
            assert_eq!(read(&[text.as_bytes()]).await, expected);
        }
        let torn = format!("GET / HTTP/1.1\r\n{OFFER}");
        assert_eq!(read(&[torn.as_bytes()]).await, torn);
    }
}
