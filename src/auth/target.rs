//! Rules on what the hub may reach on its own account: webhooks and connectors (PROMISES I-20). Everything is refused that is
//! not listed; agencies live on private networks, so "no private addresses" would be the wrong rule.
//! Pure: who connects checks the URL here first, then every address that its name resolves to, and connects to these only.
//! Own code: an allow list of networks and ports is this hub's policy; no crate holds it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

use super::network::{IpNetwork, NetworkError};
use heyan_domain::delivery::TargetFault;

const URL_BYTES_MAX: usize = 2048;
const ITEMS_MAX: usize = 256;
const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// The rules as settings write them. Empty lists admit nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetLists {
    /// Exact names (`hub.agency.example`), or `.agency.example` for every name below that one but not itself.
    pub hosts: Vec<String>,
    /// Networks in which every address of a name must lie. A network that is wider than loopback, link-local or a cloud's
    /// metadata address does not admit these: they are listed as such or not at all.
    pub networks: Vec<String>,
    /// Ports, the default ones too.
    pub ports: Vec<u16>,
    /// Networks whose addresses a URL may name in figures, without a name; they must be in `networks` as well.
    pub literal_networks: Vec<String>,
    /// Networks whose addresses, written in figures, may be reached on any port. Meant for loopback.
    pub any_port_networks: Vec<String>,
    /// Networks that may be reached by plain `http`; they must be in `networks` as well. Meant for loopback.
    pub plain_http_networks: Vec<String>,
}

/// A list that cannot be used, by its name and the position of the bad item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{list}[{at}]: {reason}")]
pub struct RuleError {
    /// Name of the list.
    pub list: &'static str,
    /// Position, from 0.
    pub at: usize,
    /// What is wrong with it.
    pub reason: RuleFault,
}

/// What is wrong with an item of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleFault {
    /// Neither a name nor a name with a dot in front; an address is none.
    #[error("not a host name")]
    Host,
    /// Port 0.
    #[error("no port")]
    Port,
    /// No network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// Over 256 items.
    #[error("too many items")]
    TooMany,
}

/// How a target is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetTransport {
    /// `https`.
    Tls,
    /// `http`.
    Plain,
}

/// A URL that the rules admit; only they make one. Its name, if it has one, is not resolved yet. No `Debug`: a query may
/// hold secrets.
#[derive(Clone)]
pub struct CheckedUrl {
    url: Url,
    transport: TargetTransport,
    literal: Option<IpAddr>,
}

impl CheckedUrl {
    /// The URL as it is to be requested.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// How it is spoken to.
    pub fn transport(&self) -> TargetTransport {
        self.transport
    }

    /// The address that it names in figures, admitted already: a resolver never sees this one.
    pub fn literal(&self) -> Option<IpAddr> {
        self.literal
    }
}

/// The rules, parsed. The default admits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetRules {
    hosts: Vec<HostRule>,
    networks: Vec<IpNetwork>,
    ports: Vec<u16>,
    any_port: Vec<IpNetwork>,
    literals: Vec<IpNetwork>,
    plain: Vec<IpNetwork>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostRule {
    Exact(String),
    /// With its dot in front.
    Below(String),
}

impl TargetRules {
    /// Parses the lists.
    ///
    /// # Errors
    /// The first item that cannot be used.
    pub fn parse(lists: &TargetLists) -> Result<Self, RuleError> {
        Ok(Self {
            hosts: each("hosts", &lists.hosts, |text| host_rule(text))?,
            networks: networks("networks", &lists.networks)?,
            ports: each("ports", &lists.ports, |port| match port {
                0 => Err(RuleFault::Port),
                port => Ok(*port),
            })?,
            any_port: networks("any_port_networks", &lists.any_port_networks)?,
            literals: networks("literal_networks", &lists.literal_networks)?,
            plain: networks("plain_http_networks", &lists.plain_http_networks)?,
        })
    }

    /// Checks a URL as somebody wrote it. Refuses, beyond [`Self::check_url`], what a lenient parser would repair: spaces and
    /// control characters, backslashes, missing or surplus slashes, an empty user name, over 2048 bytes.
    ///
    /// # Errors
    /// Why it may not be reached.
    pub fn check_text(&self, text: &str) -> Result<CheckedUrl, TargetFault> {
        if text.len() > URL_BYTES_MAX || text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(TargetFault::Malformed);
        }
        let url = Url::parse(text).map_err(|_| TargetFault::Malformed)?;
        transport(&url)?;
        let (_scheme, rest) = text.split_once("://").ok_or(TargetFault::Malformed)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(TargetFault::Userinfo);
        }
        if authority.is_empty() || authority.contains('%') {
            return Err(TargetFault::Malformed);
        }
        self.check_url(&url)
    }

    /// Checks a URL: scheme, user information, fragment, host or literal address, port.
    ///
    /// # Errors
    /// Why it may not be reached.
    pub fn check_url(&self, url: &Url) -> Result<CheckedUrl, TargetFault> {
        let transport = transport(url)?;
        if transport == TargetTransport::Plain && self.plain.is_empty() {
            return Err(TargetFault::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetFault::Userinfo);
        }
        if url.fragment().is_some() {
            return Err(TargetFault::Fragment);
        }
        let host = url.host_str().ok_or(TargetFault::Malformed)?;
        let literal = match url.domain() {
            Some(name) => {
                self.check_host(name)?;
                None
            }
            // The parser has brought decimal, octal, hex and short forms to plain ones (WHATWG URL §3.5).
            None => Some(self.check_literal(transport, host)?),
        };
        let port = url.port_or_known_default().ok_or(TargetFault::Port)?;
        let any = literal.is_some_and(|address| admits(&self.any_port, address));
        if port == 0 || !(any || self.ports.contains(&port)) {
            return Err(TargetFault::Port);
        }
        Ok(CheckedUrl {
            url: url.clone(),
            transport,
            literal,
        })
    }

    /// Checks a name in lower case and ASCII, as URLs hold it. A dot at its end makes it another name.
    ///
    /// # Errors
    /// No rule admits it.
    pub fn check_host(&self, name: &str) -> Result<(), TargetFault> {
        let admitted = self.hosts.iter().any(|rule| match rule {
            HostRule::Exact(exact) => name == exact,
            HostRule::Below(suffix) => {
                let below = name.strip_suffix(suffix.as_str());
                below.is_some_and(|rest| rest.split('.').all(|label| !label.is_empty()))
            }
        });
        if admitted { Ok(()) } else { Err(TargetFault::Host) }
    }

    /// Checks an address that is about to be connected to.
    ///
    /// # Errors
    /// It lies outside the listed networks, or in those for plain `http` it does not.
    pub fn check_address(&self, transport: TargetTransport, address: IpAddr) -> Result<(), TargetFault> {
        let address = meant(address).ok_or(TargetFault::Network)?;
        let plain = transport == TargetTransport::Tls || admits(&self.plain, address);
        if plain && admits(&self.networks, address) {
            Ok(())
        } else {
            Err(TargetFault::Network)
        }
    }

    fn check_literal(&self, transport: TargetTransport, host: &str) -> Result<IpAddr, TargetFault> {
        let figures = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let written: IpAddr = figures.unwrap_or(host).parse().map_err(|_| TargetFault::Malformed)?;
        let address = meant(written).ok_or(TargetFault::Address)?;
        if !admits(&self.literals, address) {
            return Err(TargetFault::Address);
        }
        self.check_address(transport, written)?;
        Ok(address)
    }
}

/// The address that packets to `address` end at, by what it embeds; `None` where that is none, several or unknown.
///
/// IPv4-mapped, -compatible and -translated addresses, 6to4 (RFC 3056) and NAT64 (RFC 6052) mean their IPv4 address. Teredo,
/// ISATAP and local NAT64 prefixes (RFC 8215) hide where they lead; "this host", multicast and reserved ranges are no targets.
pub fn meant(address: IpAddr) -> Option<IpAddr> {
    let address = match address {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => embedded(v6)?,
    };
    let usable = match address {
        IpAddr::V4(v4) => {
            let [first, ..] = v4.octets();
            first != 0 && first < 224
        }
        IpAddr::V6(v6) => !v6.is_unspecified() && !v6.is_multicast(),
    };
    usable.then_some(address)
}

fn embedded(v6: Ipv6Addr) -> Option<IpAddr> {
    let ipv4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Some(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
    };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Some(IpAddr::V6(v6)),
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => ipv4(high, low),
        [0x64, 0xff9b, ..] | [0x2001, 0, ..] | [_, _, _, _, 0 | 0x200, 0x5efe, _, _] => None,
        _ => Some(IpAddr::V6(v6)),
    }
}

/// Ranges that only a network inside them admits, each with its neighbour: what holds both is wider.
const APART: [(AddressRange, IpAddr); 5] = [
    (AddressRange::Loopback, IpAddr::V4(Ipv4Addr::new(126, 0, 0, 0))),
    (AddressRange::LinkLocal, IpAddr::V4(Ipv4Addr::new(169, 255, 0, 0))),
    (
        // Metadata of Alibaba Cloud, in the shared range of RFC 6598.
        AddressRange::One(IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200))),
        IpAddr::V4(Ipv4Addr::new(100, 100, 100, 201)),
    ),
    (
        AddressRange::One(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    ),
    (
        AddressRange::LinkLocalV6,
        IpAddr::V6(Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0)),
    ),
];

#[derive(Clone, Copy)]
enum AddressRange {
    Loopback,
    LinkLocal,
    LinkLocalV6,
    One(IpAddr),
}

impl AddressRange {
    fn contains(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::Loopback, IpAddr::V4(v4)) => v4.is_loopback(),
            (Self::LinkLocal, IpAddr::V4(v4)) => v4.is_link_local(),
            (Self::LinkLocalV6, IpAddr::V6(v6)) => v6.is_unicast_link_local(),
            (Self::One(one), address) => one == address,
            _ => false,
        }
    }
}

fn admits(networks: &[IpNetwork], address: IpAddr) -> bool {
    let neighbour = APART
        .iter()
        .find(|(range, _)| range.contains(address))
        .map(|(_, neighbour)| *neighbour);
    networks
        .iter()
        .filter(|network| network.contains(address))
        .any(|network| neighbour.is_none_or(|neighbour| !network.contains(neighbour)))
}

fn transport(url: &Url) -> Result<TargetTransport, TargetFault> {
    match url.scheme() {
        "https" => Ok(TargetTransport::Tls),
        "http" => Ok(TargetTransport::Plain),
        _ => Err(TargetFault::Scheme),
    }
}

fn networks(list: &'static str, texts: &[String]) -> Result<Vec<IpNetwork>, RuleError> {
    each(list, texts, |text| Ok(IpNetwork::parse(text)?))
}

fn each<T, U>(
    list: &'static str,
    items: &[T],
    parse: impl Fn(&T) -> Result<U, RuleFault>,
) -> Result<Vec<U>, RuleError> {
    if items.len() > ITEMS_MAX {
        let (at, reason) = (ITEMS_MAX, RuleFault::TooMany);
        return Err(RuleError { list, at, reason });
    }
    let parsed = items.iter().enumerate();
    parsed
        .map(|(at, item)| parse(item).map_err(|reason| RuleError { list, at, reason }))
        .collect()
}

fn host_rule(text: &str) -> Result<HostRule, RuleFault> {
    let name = text.strip_prefix('.').unwrap_or(text);
    let doubtful = |c: char| c.is_control() || c.is_whitespace() || "/\\?#@:%[]".contains(c);
    if name.contains(doubtful) {
        return Err(RuleFault::Host);
    }
    // The parser of URLs makes of a name what it will make of it in a URL: lower case, Punycode.
    let url = Url::parse(&format!("https://{name}/")).map_err(|_| RuleFault::Host)?;
    let name = url.domain().ok_or(RuleFault::Host)?;
    let label = |label: &str| {
        let plain = label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        plain && !label.is_empty() && label.len() <= LABEL_BYTES_MAX
    };
    if name.len() > NAME_BYTES_MAX || !name.split('.').all(label) {
        return Err(RuleFault::Host);
    }
    Ok(if text.starts_with('.') {
        HostRule::Below(format!(".{name}"))
    } else {
        HostRule::Exact(name.to_owned())
    })
}

#[cfg(test)]
mod tests;
