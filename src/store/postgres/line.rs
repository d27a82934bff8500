//! How nodes hear each other: `NOTIFY` in the transaction that changes something, `LISTEN` on a connection of its own.
//! PostgreSQL hands notifications out after the commit and in the order of the commits (manual, NOTIFY). What was said while nobody
//! listened is lost: the driver's `None` and its errors both mean that everything must be read again.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

use crate::notice::heard;
use heyan_ports::{
    error::StoreError,
    nodes::{NodeNews, NodeNotice},
};

/// The channel of `LISTEN`.
const CHANNEL: &str = "heyan";

/// A line that listens.
pub(super) struct ListenLine {
    listener: PgListener,
    own: Arc<str>,
}

impl ListenLine {
    /// Connects and listens: what is committed after this is heard.
    pub(super) async fn begin(options: PgConnectOptions, own: &Arc<str>) -> Result<Box<dyn NodeNews>, StoreError> {
        let one = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&one).await.map_err(lost)?;
        listener.listen(CHANNEL).await.map_err(lost)?;
        Ok(Box::new(Self {
            listener,
            own: Arc::clone(own),
        }))
    }
}

#[async_trait]
impl NodeNews for ListenLine {
    async fn next(&mut self) -> Result<Vec<NodeNotice>, StoreError> {
        match self.listener.try_recv().await {
            Ok(Some(notification)) => Ok(heard(&self.own, notification.payload())),
            Ok(None) => Err(lost(sqlx::Error::PoolClosed)),
            Err(error) => Err(lost(error)),
        }
    }
}

fn lost(error: sqlx::Error) -> StoreError {
    StoreError::Engine {
        statement: "listen",
        source: Box::new(error),
    }
}
