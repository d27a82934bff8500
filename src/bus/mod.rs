//! The bus: Apache Kafka, or what has the same meaning inside the process. Both are behind the port `app::bus::Bus`.
//! Nothing here decides anything: what a message means, and when it is done, `app::bus` says.

pub mod kafka;
pub mod local;
