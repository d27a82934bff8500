//! heyan 核验: a city's verification exchange hub. The façade over the crates below `src/`, in reading order: the pure core
//! first, adapters last. `ARCHITECTURE.md` says who may name whom; `tests/tidy.rs` enforces it.

pub use heyan_api as api;
pub use heyan_app as app;
pub use heyan_auth as auth;
pub use heyan_cache as cache;
pub use heyan_catalog as catalog;
pub use heyan_cli as cli;
pub use heyan_config as config;
pub use heyan_connectors as connectors;
#[cfg(feature = "demo")]
pub use heyan_demo as demo;
pub use heyan_domain as domain;
pub use heyan_http as http;
pub use heyan_kafka as kafka;
pub use heyan_ledger as ledger;
pub use heyan_ports as ports;
pub use heyan_server as server;
pub use heyan_store as store;
pub use heyan_telemetry as telemetry;
pub use heyan_texts as texts;
