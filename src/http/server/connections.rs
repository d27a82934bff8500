//! Connections by address. One address has at most so many; one more takes the place of its idlest, which is closed. At the limit of all
//! connections the idlest of all is closed. Addresses of trusted proxies are exempt from the first limit: behind one are many.

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};

use actix_web::rt::net::{ActixStream, Ready, TcpStream};
use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::call::{state::ConnectionLimits, stranger::network_of};

/// The connections of the listener.
pub(super) struct ConnectionRegister {
    limits: ConnectionLimits,
    began: Instant,
    by_address: Mutex<ByAddress>,
    /// Called for each connection that is closed to make room.
    turned_away: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct ByAddress {
    count: usize,
    last_id: u64,
    open: HashMap<IpAddr, Vec<Arc<OpenConnection>>>,
}

struct OpenConnection {
    id: u64,
    /// When its caller last sent something, milliseconds since the register began.
    heard_ms: AtomicU64,
    is_dropped: AtomicBool,
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl OpenConnection {
    fn drop_it(&self) {
        self.is_dropped.store(true, Ordering::Release);
        self.reader.wake();
        self.writer.wake();
    }

    fn is_dropped(&self) -> bool {
        self.is_dropped.load(Ordering::Acquire)
    }
}

impl ConnectionRegister {
    pub(super) fn new(limits: ConnectionLimits, turned_away: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            limits,
            began: Instant::now(),
            by_address: Mutex::default(),
            turned_away: Box::new(turned_away),
        })
    }

    /// Counts a connection until the stream that is returned ends; the idlest makes room for it.
    pub(super) fn register<S>(self: &Arc<Self>, stream: S, address: IpAddr) -> CountedStream<S> {
        let is_proxy = self.limits.is_proxy(address);
        let address = network_of(address);
        let mut all = self.lock();
        all.last_id += 1;
        let connection = Arc::new(OpenConnection {
            id: all.last_id,
            heard_ms: AtomicU64::new(self.now_ms()),
            is_dropped: AtomicBool::new(false),
            reader: AtomicWaker::new(),
            writer: AtomicWaker::new(),
        });
        let own = all.open.get(&address).map_or(0, Vec::len);
        let idlest = match () {
            () if own >= self.limits.address_max && !is_proxy => all.take_idlest(Some(address)),
            () if all.count >= self.limits.all_max => all.take_idlest(None),
            () => None,
        };
        all.open.entry(address).or_default().push(Arc::clone(&connection));
        all.count += 1;
        drop(all);
        if let Some(idlest) = idlest {
            idlest.drop_it();
            (self.turned_away)();
        }
        CountedStream {
            stream,
            address,
            connection,
            register: Arc::clone(self),
        }
    }

    fn lock(&self) -> MutexGuard<'_, ByAddress> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl ByAddress {
    /// Takes out the connection whose caller was silent for the longest time, of one address or of all.
    fn take_idlest(&mut self, of: Option<IpAddr>) -> Option<Arc<OpenConnection>> {
        let idlest_of = |open: &Vec<Arc<OpenConnection>>| {
            open.iter()
                .map(|one| (one.heard_ms.load(Ordering::Relaxed), one.id))
                .min()
        };
        let (address, (_, id)) = match of {
            Some(address) => (address, self.open.get(&address).and_then(idlest_of)?),
            None => {
                let each = self
                    .open
                    .iter()
                    .filter_map(|(address, open)| Some((*address, idlest_of(open)?)));
                each.min_by_key(|(_, idlest)| *idlest)?
            }
        };
        self.take(address, id)
    }

    fn take(&mut self, address: IpAddr, id: u64) -> Option<Arc<OpenConnection>> {
        let open = self.open.get_mut(&address)?;
        let position = open.iter().position(|one| one.id == id)?;
        let taken = open.swap_remove(position);
        if open.is_empty() {
            self.open.remove(&address);
        }
        self.count = self.count.saturating_sub(1);
        Some(taken)
    }
}

/// A stream that is counted as long as it lives, and ends early when its place is needed.
pub(super) struct CountedStream<S> {
    stream: S,
    address: IpAddr,
    connection: Arc<OpenConnection>,
    register: Arc<ConnectionRegister>,
}

impl<S> CountedStream<S> {
    pub(super) const fn inner(&self) -> &S {
        &self.stream
    }
}

impl<S> Drop for CountedStream<S> {
    fn drop(&mut self) {
        self.register.lock().take(self.address, self.connection.id);
    }
}

fn dropped() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionAborted)
}

impl<S: AsyncRead + Unpin> AsyncRead for CountedStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        match &polled {
            Poll::Ready(_) => {
                let now_ms = self.register.now_ms();
                self.connection.heard_ms.store(now_ms, Ordering::Relaxed);
            }
            Poll::Pending => self.connection.reader.register(cx.waker()),
        }
        match self.connection.is_dropped() {
            true => Poll::Ready(Err(dropped())),
            false => polled,
        }
    }
}

impl<S: AsyncWrite + Unpin> CountedStream<S> {
    /// What a write came to; one that waits is woken when the connection is dropped.
    fn written<T>(&self, polled: Poll<io::Result<T>>, cx: &Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_pending() {
            self.connection.writer.register(cx.waker());
        }
        match self.connection.is_dropped() {
            true => Poll::Ready(Err(dropped())),
            false => polled,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for CountedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(polled, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.written(polled, cx)
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

/// For the acceptor of TLS.
impl ActixStream for CountedStream<TcpStream> {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(&self.stream, cx)
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(&self.stream, cx)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use tokio::io::AsyncReadExt as _;

    use super::*;
    use heyan_auth::network::IpNetwork;

    fn register(address_max: usize, all_max: usize) -> (Arc<ConnectionRegister>, Arc<AtomicUsize>) {
        let closed = Arc::new(AtomicUsize::new(0));
        let limits = ConnectionLimits {
            address_max,
            all_max,
            trusted_proxies: vec![IpNetwork::parse("10.0.0.9").unwrap()],
        };
        let counted = Arc::clone(&closed);
        let register = ConnectionRegister::new(limits, move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        (register, closed)
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[tokio::test]
    async fn the_idlest_connection_of_an_address_makes_room() {
        let (register, closed) = register(2, 100);
        let (stream, mut far_side) = tokio::io::duplex(64);
        let mut first = register.register(stream, address(1));
        let mut second = register.register(tokio::io::empty(), address(1));
        first.connection.heard_ms.store(7, Ordering::Relaxed);
        second.connection.heard_ms.store(5, Ordering::Relaxed);
        let other = register.register(tokio::io::empty(), address(2));
        let third = register.register(tokio::io::empty(), address(1));
        assert!(second.read_u8().await.is_err(), "the idlest");
        tokio::io::AsyncWriteExt::write_all(&mut far_side, b"x").await.unwrap();
        assert_eq!(first.read_u8().await.unwrap(), b'x');
        assert_eq!(closed.load(Ordering::Relaxed), 1);
        drop((second, third, other, first));
        assert_eq!(register.lock().count, 0);
        assert!(register.lock().open.is_empty());
    }

    #[tokio::test]
    async fn one_that_waits_is_told_at_once() {
        let (register, _) = register(1, 100);
        let (stream, _far_side) = tokio::io::duplex(64);
        let mut idle = register.register(stream, address(1));
        let waits = tokio::spawn(async move { idle.read_u8().await.is_err() });
        tokio::task::yield_now().await;
        let _new = register.register(tokio::io::empty(), address(1));
        assert!(waits.await.unwrap());
    }

    #[test]
    fn a_proxy_may_have_many_and_all_together_have_a_limit() {
        let (register, closed) = register(2, 5);
        let proxy: Vec<_> = (0..4)
            .map(|_| register.register(tokio::io::empty(), address(9)))
            .collect();
        assert_eq!(closed.load(Ordering::Relaxed), 0);
        proxy[2].connection.heard_ms.store(0, Ordering::Relaxed);
        proxy[0].connection.heard_ms.store(1, Ordering::Relaxed);
        let _two = [1, 2].map(|last| register.register(tokio::io::empty(), address(last)));
        assert_eq!(closed.load(Ordering::Relaxed), 1);
        assert_eq!(register.lock().count, 5);
        let dropped: Vec<bool> = proxy.iter().map(|one| one.connection.is_dropped()).collect();
        assert_eq!(dropped.iter().filter(|dropped| **dropped).count(), 1);
        assert!(dropped[2] || proxy[2].connection.heard_ms.load(Ordering::Relaxed) == 0);
    }
}
