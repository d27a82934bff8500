//! A TCP proxy that can fall silent: it goes on to hold every connection and forwards nothing, with no FIN and no RST, as
//! a firewall does that has forgotten a connection. What was silenced stays silent; after healing new connections pass.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

pub(crate) struct Proxy {
    pub port: u16,
    silent: Arc<watch::Sender<bool>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let silent = Arc::new(watch::Sender::new(false));
        let told = Arc::clone(&silent);
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, SocketAddr::from(([127, 0, 0, 1], port)), told.subscribe()));
            }
        });
        Self {
            port: own,
            silent,
            accepting,
        }
    }

    pub(crate) fn fall_silent(&self) {
        self.silent.send_replace(true);
    }

    pub(crate) fn heal(&self) {
        self.silent.send_replace(false);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(near: TcpStream, to: SocketAddr, silent: watch::Receiver<bool>) {
    if *silent.borrow() {
        hold(near).await;
        return;
    }
    let Ok(far) = TcpStream::connect(to).await else { return };
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::join!(pump(near_in, far_out, silent.clone()), pump(far_in, near_out, silent));
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut silent: watch::Receiver<bool>) {
    let mut bytes = vec![0; 16_384];
    loop {
        let read = tokio::select! {
            biased;
            _ = silenced(&mut silent) => None,
            read = from.read(&mut bytes) => Some(read),
        };
        match read {
            None => return hold((from, to)).await,
            Some(Ok(count)) if count > 0 && to.write_all(&bytes[..count]).await.is_ok() => {}
            Some(_) => return,
        }
    }
}

async fn silenced(silent: &mut watch::Receiver<bool>) {
    let _ended = silent.wait_for(|silent| *silent).await;
}

/// Keeps what it is given open for ever.
async fn hold<T>(kept: T) {
    std::future::pending::<()>().await;
    drop(kept);
}
