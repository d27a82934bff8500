//! Access tokens: issued for a proven credential, verified once and then known by hash.
//! A known token is still looked up in the access table at each call, so that disabling a client needs no list of tokens.

use std::{cell::RefCell, net::IpAddr, rc::Rc, sync::Arc};

use constant_time_eq::constant_time_eq;
use zeroize::Zeroizing;

use super::table::{AccessClient, TableId};
use crate::node::caller::Caller;
use crate::{
    foundation::{error::AppError, quota::QuotaReached},
    node::hub::Hub,
};
use heyan_auth::{
    assertion::{AssertionError, AssertionVerifier},
    ed25519::PublicKey,
    replay::ReplayError,
    secret::{self, ClientSecret, StoredSecrets},
    sha256,
    token::{TokenClaims, TokenError},
};
use heyan_ports::quotas::QuotaKind;

/// The callers that one worker met last, by token: most calls of a worker carry one of a few tokens. An entry is found by a
/// keyed hash and compared by all bytes of the token, which saves the SHA-256 of its text. A caller found here was
/// authenticated from the same network and by the access table now in force: a change of access makes a new table.
pub struct RecentTokens {
    state: ahash::RandomState,
    slots: RefCell<Vec<Option<RecentlyIssued>>>,
}

struct RecentlyIssued {
    token: Zeroizing<Vec<u8>>,
    /// Seconds since 1970.
    expires_at: i64,
    table: TableId,
    caller: Rc<Caller>,
}

/// Tokens that a worker remembers.
const RECENT_MAX: usize = 64;

impl Default for RecentTokens {
    fn default() -> Self {
        Self {
            state: ahash::RandomState::new(),
            slots: RefCell::new((0..RECENT_MAX).map(|_| None).collect()),
        }
    }
}

impl RecentTokens {
    fn slot(&self, token: &[u8]) -> usize {
        usize::try_from(self.state.hash_one(token)).unwrap_or_default() % RECENT_MAX
    }

    fn get(&self, token: &[u8], table: TableId, peer: IpAddr, now_s: i64) -> Option<Rc<Caller>> {
        let slots = self.slots.borrow();
        let recent = slots.get(self.slot(token))?.as_ref()?;
        let holds = recent.table == table && recent.caller.peer == peer && now_s < recent.expires_at;
        (holds && constant_time_eq(&recent.token, token)).then(|| Rc::clone(&recent.caller))
    }

    fn keep(&self, recent: RecentlyIssued) {
        if let Some(slot) = self.slots.borrow_mut().get_mut(self.slot(&recent.token)) {
            *slot = Some(recent);
        }
    }
}

/// Why a caller is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownCaller {
    /// The request carries no credential.
    Missing,
    /// The token was not issued by this hub, or was altered.
    Invalid,
    /// The token has expired.
    Expired,
    /// The client or its agency is disabled, or was removed.
    Disabled,
    /// The agency may not call from this network.
    Network,
    /// The client id or its secret is wrong.
    Client,
}

/// A token that was issued.
pub struct IssuedToken {
    /// The token.
    pub access_token: String,
    /// Life, seconds.
    pub expires_in: i64,
}

/// Proves a bearer token at `now_us` for a call from `peer`.
///
/// # Errors
/// Who calls stays unknown, and why.
pub fn prove(
    hub: &Hub,
    recent: &RecentTokens,
    token: &[u8],
    peer: IpAddr,
    now_us: i64,
) -> Result<Rc<Caller>, UnknownCaller> {
    let now_s = now_us.div_euclid(1_000_000);
    let access = hub.access.table.load();
    if let Some(caller) = recent.get(token, access.id, peer, now_s) {
        return Ok(caller);
    }
    let text = std::str::from_utf8(token).map_err(|_no_text| UnknownCaller::Invalid)?;
    let claims = verified(hub, text, now_s)?;
    if now_s >= claims.exp {
        return Err(UnknownCaller::Expired);
    }
    let client = access
        .clients
        .get(claims.client_id.as_str())
        .ok_or(UnknownCaller::Disabled)?;
    if client.role.as_str() != claims.role {
        return Err(UnknownCaller::Disabled);
    }
    let caller = Rc::new(admit(Arc::clone(client), peer)?);
    recent.keep(RecentlyIssued {
        token: Zeroizing::new(token.to_vec()),
        expires_at: claims.exp,
        table: access.id,
        caller: Rc::clone(&caller),
    });
    Ok(caller)
}

/// The claims of a token that is ours.
fn verified(hub: &Hub, token: &str, now_s: i64) -> Result<Arc<TokenClaims>, UnknownCaller> {
    let hash = sha256(token.as_bytes());
    if let Some(claims) = hub.access.tokens.claims.get(&hash) {
        return Ok(claims);
    }
    let claims = hub.access.verifier.verify(token, now_s).map_err(|error| match error {
        TokenError::Expired => UnknownCaller::Expired,
        _ => UnknownCaller::Invalid,
    })?;
    let claims = Arc::new(claims);
    hub.access.tokens.claims.insert(hash, Arc::clone(&claims));
    Ok(claims)
}

/// Checks that a proven client may call from `peer`.
fn admit(client: Arc<AccessClient>, peer: IpAddr) -> Result<Caller, UnknownCaller> {
    let agency_disabled = client.agency.as_ref().is_some_and(|agency| agency.row.disabled);
    let agency_missing = client.row.agency.is_some() && client.agency.is_none();
    if client.row.disabled || agency_disabled || agency_missing {
        return Err(UnknownCaller::Disabled);
    }
    if client.agency.as_ref().is_some_and(|agency| !agency.admits(peer)) {
        return Err(UnknownCaller::Network);
    }
    Ok(Caller { client, peer })
}

/// Proves a client by its id and secret.
///
/// # Errors
/// Wrong id or secret (not told apart), disabled, or from a network that is not admitted.
pub fn prove_secret(hub: &Hub, client_id: &str, given: &ClientSecret, peer: IpAddr) -> Result<Caller, UnknownCaller> {
    let now_us = hub.clock.now_us();
    let access = hub.access.table.load();
    let client = access.clients.get(client_id);
    // The comparison is made for an unknown id too, so that ids cannot be told by time.
    let stored = client.map_or(StoredSecrets::NOBODY, |client| StoredSecrets {
        current: client.row.secret_hash,
        previous: client.row.previous_secret_hash.zip(client.row.previous_valid_until),
    });
    let good = stored.check(given, now_us).is_ok();
    match client {
        Some(client) if good => admit(Arc::clone(client), peer),
        _ => Err(UnknownCaller::Client),
    }
}

/// Proves a client by a `private_key_jwt` assertion (RFC 7523).
///
/// # Errors
/// The store could not be asked whether it was used before; the inner error: it is not good, was used before here, on another
/// node or before a restart, or its client is disabled.
pub async fn prove_assertion(
    hub: &Hub,
    assertion: &str,
    client_id: Option<&str>,
    peer: IpAddr,
) -> Result<Result<Caller, UnknownCaller>, AppError> {
    let access = hub.access.table.load_full();
    let key_of = |id: &str| {
        let client = access.clients.get(id).filter(|client| !client.row.disabled)?;
        PublicKey::from_bytes(client.row.public_key?).ok()
    };
    let endpoint = format!("{}/oauth/token", hub.node.settings.public_url);
    let verifier = AssertionVerifier::new(&hub.node.settings.issuer, &endpoint);
    let now_s = hub.clock.now_us().div_euclid(1_000_000);
    let proven = match verifier.verify(assertion, client_id, &key_of, &hub.access.assertions, now_s) {
        Ok(proven) => proven,
        // The assertion is good: its client is told to wait, not that it is unknown.
        Err(AssertionError::Replay(ReplayError::ShareFull | ReplayError::Full)) => {
            let (kind, limit) = (QuotaKind::Tokens, hub.node.settings.quotas.tokens);
            return Err(QuotaReached { kind, limit }.into());
        }
        Err(_not_good) => return Ok(Err(UnknownCaller::Client)),
    };
    if !hub.store.use_once(proven.mark, proven.until_s).await? {
        return Ok(Err(UnknownCaller::Client));
    }
    let client = access.clients.get(proven.client.as_str());
    Ok(client.map_or(Err(UnknownCaller::Client), |client| admit(Arc::clone(client), peer)))
}

/// Issues a token for a proven client.
///
/// # Errors
/// Returns an error if the random source fails.
pub fn issue(hub: &Hub, caller: &Caller) -> Result<IssuedToken, AppError> {
    let now_s = hub.clock.now_us().div_euclid(1_000_000);
    let claims = TokenClaims {
        client_id: caller.client.row.id.clone(),
        role: caller.role().as_str().to_owned(),
        agency: caller.client.row.agency.clone(),
        jti: secret::random_id().map_err(|_unavailable| AppError::Internal("the random source failed"))?,
        iat: now_s,
        exp: now_s + hub.node.settings.token_ttl_s,
        cnf: None,
    };
    Ok(IssuedToken {
        access_token: hub.access.signer.issue(&claims),
        expires_in: hub.node.settings.token_ttl_s,
    })
}
