//! What a register says of an electronic licence (电子证照), and what follows from it on one day.
//! A state is told of a day, never of "now": whoever asks names the day, and days are those of Asia/Shanghai.

pub mod chain;
pub mod issuer;
pub mod status;
pub mod validity;

crate::words! {
    /// How a licence stands on a day.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum LicenceStanding {
        /// It holds.
        Valid = "valid",
        /// Its first day is still to come.
        NotYetValid = "not_yet_valid",
        /// Its last day is over, or its register says so (失效).
        Expired = "expired",
        /// Held back for a while (暂扣).
        Suspended = "suspended",
        /// Taken away (吊销, 撤销).
        Revoked = "revoked",
        /// Given up or struck off (注销).
        Cancelled = "cancelled",
        /// Handed over to another register (转出).
        Transferred = "transferred",
        /// A newer version stands in its place.
        Replaced = "replaced",
        /// The register does not say enough.
        Unknown = "unknown",
    }
}
