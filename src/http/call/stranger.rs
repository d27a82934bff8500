//! Calls of unknown callers: open routes, and calls whose credentials are not accepted. What they may cost is bounded for each address
//! and for all addresses together. A call that is over the bound waits; one that would wait too long is refused, and the refusal waits
//! too, so that a caller that repeats at once cannot use the worker's time. Waiting takes no place and no time of the worker.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

/// Longest wait of a call that is answered.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// How long a refusal is held back.
const REFUSAL_HELD: Duration = Duration::from_secs(1);

/// Calls of one worker that wait at once. Further ones are refused immediately.
const WAITING_MAX: usize = 1_024;

/// Bytes of an answer that cost as much as one call.
const BYTES_A_CALL: usize = 16_384;

/// What one answer costs at most.
const COST_MAX: Duration = Duration::from_secs(60);

/// Addresses that are remembered with what they used.
const ADDRESSES_MAX: usize = 4_096;

/// What an address may use at once after it was quiet.
const BURST: Duration = Duration::from_secs(2);

/// Addresses together may use so many times what one may.
const ALL_ADDRESSES: u32 = 8;

/// What unknown callers have used of one worker.
pub(crate) struct StrangerBudget {
    /// Between two calls of one address.
    interval: Duration,
    /// When each address has paid for what it used.
    paid_at: RefCell<HashMap<IpAddr, Instant>>,
    all_paid_at: Cell<Option<Instant>>,
    waiting: Cell<usize>,
}

/// Whether a call is charged to its address alone, or to all addresses together too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StrangerCharge {
    /// The address alone: strangers from elsewhere must not delay a client that fetches its token.
    Address,
    /// Both.
    All,
    /// All addresses together: this one is of a proxy, behind which are many.
    Proxy,
    /// None: a proxy's client that fetches its token.
    Free,
}

impl StrangerCharge {
    const fn is_of_address(self) -> bool {
        matches!(self, Self::Address | Self::All)
    }

    const fn is_of_all(self) -> bool {
        matches!(self, Self::All | Self::Proxy)
    }
}

/// Whether a call may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StrangerAnswer {
    /// Now, or after it has waited.
    GoesOn,
    /// It is over the bound.
    IsRefused,
}

impl StrangerBudget {
    /// For so many calls a second and address.
    pub(crate) fn new(calls_s_max: u32) -> Self {
        Self {
            interval: Duration::from_secs(1) / calls_s_max.max(1),
            paid_at: RefCell::default(),
            all_paid_at: Cell::new(None),
            waiting: Cell::new(0),
        }
    }

    /// Waits until a call from `address` is within the bound, or as long as its refusal is held back.
    pub(crate) async fn admit(&self, address: IpAddr, charge: StrangerCharge, now: Instant) -> StrangerAnswer {
        let wait = self.wait(address, charge, now);
        if wait.is_zero() {
            self.charge(address, charge, 0, now);
            return StrangerAnswer::GoesOn;
        }
        if self.waiting.get() >= WAITING_MAX {
            return StrangerAnswer::IsRefused;
        }
        let _waits = WaitingCall::of(&self.waiting);
        if wait > WAIT_MAX {
            tokio::time::sleep(REFUSAL_HELD).await;
            return StrangerAnswer::IsRefused;
        }
        // Charged before the wait: who comes later waits longer.
        self.charge(address, charge, 0, now);
        tokio::time::sleep(wait).await;
        StrangerAnswer::GoesOn
    }

    /// How long a call would have to wait.
    fn wait(&self, address: IpAddr, charge: StrangerCharge, now: Instant) -> Duration {
        let over = |paid_at: Option<Instant>| {
            let ahead = paid_at.map_or(Duration::ZERO, |paid_at| paid_at.saturating_duration_since(now));
            ahead.saturating_sub(BURST)
        };
        let (mut own, mut all) = (Duration::ZERO, Duration::ZERO);
        if charge.is_of_address() {
            own = over(self.paid_at.borrow().get(&network_of(address)).copied());
        }
        if charge.is_of_all() {
            all = over(self.all_paid_at.get());
        }
        own.max(all)
    }

    /// Counts a call, or (`bytes` > 0) the length of its answer.
    pub(crate) fn charge(&self, address: IpAddr, charge: StrangerCharge, bytes: usize, now: Instant) {
        let calls = match bytes {
            0 => 1,
            bytes => u32::try_from(bytes / BYTES_A_CALL).unwrap_or(u32::MAX),
        };
        let cost = self.interval.saturating_mul(calls).min(COST_MAX);
        let later = |paid_at: Option<Instant>, cost| paid_at.map_or(now, |paid_at| paid_at.max(now)) + cost;
        if charge.is_of_all() {
            self.all_paid_at
                .set(Some(later(self.all_paid_at.get(), cost / ALL_ADDRESSES)));
        }
        if !charge.is_of_address() {
            return;
        }
        let mut paid_at = self.paid_at.borrow_mut();
        if paid_at.len() >= ADDRESSES_MAX {
            paid_at.retain(|_, paid_at| *paid_at > now);
        }
        let is_full = paid_at.len() >= ADDRESSES_MAX;
        let address = network_of(address);
        match paid_at.get_mut(&address) {
            Some(at) => *at = later(Some(*at), cost),
            // So many addresses at once are bounded together.
            None if is_full => {}
            None => {
                paid_at.insert(address, later(None, cost));
            }
        }
    }
}

/// A network that one party usually has: an IPv4 address, or an IPv6 network of 64 bits.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address => address,
    }
}

/// A call that waits, counted until it ends.
struct WaitingCall<'a>(&'a Cell<usize>);

impl<'a> WaitingCall<'a> {
    fn of(waiting: &'a Cell<usize>) -> Self {
        waiting.set(waiting.get() + 1);
        Self(waiting)
    }
}

impl Drop for WaitingCall<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const B: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    #[test]
    fn one_address_waits_and_another_does_not() {
        let (budget, now) = (StrangerBudget::new(100), Instant::now());
        for _ in 0..200 {
            assert_eq!(budget.wait(A, StrangerCharge::All, now), Duration::ZERO);
            budget.charge(A, StrangerCharge::All, 0, now);
        }
        budget.charge(A, StrangerCharge::All, 100 * BYTES_A_CALL, now);
        assert_eq!(budget.wait(A, StrangerCharge::All, now), Duration::from_secs(1));
        assert_eq!(budget.wait(B, StrangerCharge::All, now), Duration::ZERO);
        assert_eq!(budget.wait(A, StrangerCharge::Proxy, now), Duration::ZERO);
        assert_eq!(budget.wait(A, StrangerCharge::All, now + WAIT_MAX), Duration::ZERO);
    }

    #[test]
    fn many_addresses_together_wait_but_not_for_a_token() {
        let (budget, now) = (StrangerBudget::new(100), Instant::now());
        for n in 0..=u8::MAX {
            budget.charge(IpAddr::from([10, 1, 0, n]), StrangerCharge::All, 10 * BYTES_A_CALL, now);
        }
        assert!(budget.wait(B, StrangerCharge::All, now) > Duration::from_millis(500));
        assert_eq!(budget.wait(B, StrangerCharge::Address, now), Duration::ZERO);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (budget, now) = (StrangerBudget::new(1), Instant::now());
        for n in 0..10_000_u32 {
            let address = IpAddr::from(n.to_be_bytes());
            budget.charge(address, StrangerCharge::Address, 0, now);
        }
        assert_eq!(budget.paid_at.borrow().len(), ADDRESSES_MAX);
        budget.charge(B, StrangerCharge::Address, 0, now + Duration::from_secs(10));
        assert_eq!(budget.paid_at.borrow().len(), 1);
        let of_one_party = ["2001:db8::1", "2001:db8::2:1"].map(|text| network_of(text.parse().unwrap()));
        assert_eq!(of_one_party[0], of_one_party[1]);
    }
}
