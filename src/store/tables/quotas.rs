//! Rows that agencies have caused. Triggers of the schema count them; this only reads.

use async_trait::async_trait;

use crate::{
    engine::{StatementCall, StoreEngine},
    rows::{fetch_one, number},
    sql_store::SqlStore,
    statement::{self},
};
use heyan_ports::{
    error::StoreError,
    quotas::{QuotaKind, QuotaStore},
};

#[async_trait]
impl<E: StoreEngine> QuotaStore for SqlStore<E> {
    async fn rows_held(&self, agency: &str, kind: QuotaKind) -> Result<u64, StoreError> {
        let agency = agency.to_owned();
        let bind = |query: E::Call| query.bind(agency).bind(kind.as_str());
        let read = |row: &E::Row| number(row, 0, "agency_rows", "rows_held");
        let found = fetch_one(&self.readers, statement::SELECT_ROWS_HELD, bind, read).await?;
        Ok(found.unwrap_or_default())
    }
}
