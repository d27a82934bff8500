//! Wake-ups of the workers. They carry no data: a worker reads from the store what there is to do.

use tokio::sync::Notify;

/// One bell for each worker; it says that there is something to do, never what.
#[derive(Default)]
pub struct Wakeups {
    /// New events.
    pub relay: Notify,
    /// New events, for the bus.
    pub publisher: Notify,
    /// New or due deliveries.
    pub courier: Notify,
    /// Deliveries that are over.
    pub closer: Notify,
}
