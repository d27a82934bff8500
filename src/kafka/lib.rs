//! The bus: Apache Kafka, or what has the same meaning inside the process. Both are behind the port `ports::bus::Bus`.
//! Nothing here decides anything: what a message means, and when it is done, `app::bus` says.

#![cfg_attr(
    test,
    allow(
        clippy::string_slice,
        clippy::disallowed_methods,
        reason = "a test stops at the first surprise"
    )
)]

pub mod client;
pub mod local;
