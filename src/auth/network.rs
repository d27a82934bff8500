//! Source networks from which an agency may call, in CIDR notation (RFC 4632, RFC 4291 §2.3).
//! An IPv4 client of a dual-stack listener shows up as `::ffff:a.b.c.d`; both sides are brought to plain IPv4 first, so an
//! IPv6 network, `::/0` too, never lets an IPv4 client in.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

const TEXT_BYTES_MAX: usize = 64;
const NETWORKS_MAX: usize = 256;

/// Why a network is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Not an address with an optional prefix length.
    #[error("not a network in cidr notation")]
    Malformed,
    /// The address has bits beyond the prefix: most likely a mistyped prefix.
    #[error("the network address has bits set beyond its prefix")]
    HostBits,
    /// An IPv4-mapped prefix that reaches beyond the mapped range.
    #[error("an ipv4-mapped network needs a prefix of at least 96")]
    MappedPrefix,
    /// Over 256 networks in one list.
    #[error("too many networks in one list")]
    TooMany,
}

/// A network: address and prefix length, without host bits; IPv4-mapped ones are kept as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpNetwork(IpNet);

impl IpNetwork {
    /// Parses `10.0.0.0/8`, `2001:db8::/32`, `::ffff:10.0.0.0/104`, or a single address.
    ///
    /// Strict: no spaces, zones, leading zeros or signs, no bits beyond the prefix.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(NetworkError::Malformed);
        }
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix_length(prefix)?)),
            None => (text, None),
        };
        // The text is not left to `IpNet`, which takes leading zeros.
        let written: IpAddr = address.parse().map_err(|_| NetworkError::Malformed)?;
        let prefix = prefix.unwrap_or(if written.is_ipv4() { 32 } else { 128 });
        let mut network = IpNet::new(written, prefix).map_err(|_| NetworkError::Malformed)?;
        let canonical = written.to_canonical();
        if canonical.is_ipv4() != written.is_ipv4() {
            let prefix = prefix.checked_sub(96).ok_or(NetworkError::MappedPrefix)?;
            network = IpNet::new(canonical, prefix).map_err(|_| NetworkError::Malformed)?;
        }
        if network.trunc() != network {
            return Err(NetworkError::HostBits);
        }
        Ok(Self(network))
    }

    /// Whether `address` lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl fmt::Display for IpNetwork {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Where a caller may come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceNetworks {
    /// Anywhere.
    Any,
    /// From these networks only.
    Only(Vec<IpNetwork>),
}

impl SourceNetworks {
    /// Parses a stored list; an empty one means anywhere. The error carries the position of the bad entry.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, (usize, NetworkError)> {
        if texts.is_empty() {
            return Ok(Self::Any);
        }
        if texts.len() > NETWORKS_MAX {
            return Err((NETWORKS_MAX, NetworkError::TooMany));
        }
        texts
            .iter()
            .enumerate()
            .map(|(at, text)| IpNetwork::parse(text.as_ref()).map_err(|error| (at, error)))
            .collect::<Result<Vec<_>, _>>()
            .map(Self::Only)
    }

    /// Whether a call from `address` is allowed.
    pub fn allows(&self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Only(networks) => networks.iter().any(|network| network.contains(address)),
        }
    }
}

fn prefix_length(text: &str) -> Result<u8, NetworkError> {
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    if !plain || (text.len() > 1 && text.starts_with('0')) {
        return Err(NetworkError::Malformed);
    }
    text.parse().map_err(|_| NetworkError::Malformed)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;
    use proptest::prelude::*;

    fn network(text: &str) -> IpNetwork {
        IpNetwork::parse(text).unwrap()
    }

    fn inside(net: &str, address: &str) -> bool {
        network(net).contains(address.parse().unwrap())
    }

    #[test]
    fn a_network_contains_its_addresses_and_no_others() {
        for (net, within, without) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("10.1.2.4/30", "10.1.2.7", "10.1.2.8"),
            ("10.1.2.3", "10.1.2.3", "10.1.2.2"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "ffff::1", "1.2.3.4"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
            ("128.0.0.0/1", "255.0.0.1", "127.0.0.1"),
        ] {
            assert!(inside(net, within), "{within} in {net}");
            assert!(!inside(net, without), "{without} not in {net}");
        }
    }

    #[test]
    fn mapped_addresses_are_ipv4_on_both_sides() {
        assert!(inside("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(!inside("10.0.0.0/8", "::ffff:11.1.2.3"));
        assert!(inside("::ffff:10.0.0.0/104", "10.1.2.3"));
        assert!(inside("::ffff:10.0.0.1", "10.0.0.1"));
        assert!(!inside("::/0", "::ffff:10.1.2.3"));
        assert_eq!(network("::ffff:10.0.0.0/104"), network("10.0.0.0/8"));
        // The deprecated compatible form is not a mapped one.
        assert!(!inside("10.0.0.0/8", "::10.1.2.3"));
    }

    #[test]
    fn doubtful_text_is_refused() {
        for text in [
            "",
            "/",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0.0/8 ",
            " 10.0.0.0/8",
            "10.0.0/8",
            "010.0.0.0/8",
            "0x0a.0.0.0/8",
            "10.0.0.0/255.0.0.0",
            "10.0.0.0/8/8",
            "10.0.0.0/256",
            "10.0.0.0/８",
            "fe80::1%eth0",
            "[::1]/128",
            "localhost",
            "*",
            "10.0.0.0:80",
        ] {
            assert_eq!(IpNetwork::parse(text), Err(NetworkError::Malformed), "{text}");
        }
        for text in ["10.0.0.1/8", "2001:db8::1/32", "0.0.0.1/0", "::ffff:10.0.0.1/104"] {
            assert_eq!(IpNetwork::parse(text), Err(NetworkError::HostBits), "{text}");
        }
        assert_eq!(IpNetwork::parse("::ffff:0.0.0.0/95"), Err(NetworkError::MappedPrefix));
    }

    #[test]
    fn an_empty_list_allows_all_and_a_bad_entry_is_named() {
        let none: [&str; 0] = [];
        assert_eq!(SourceNetworks::parse(&none), Ok(SourceNetworks::Any));
        let list = SourceNetworks::parse(&["10.0.0.0/8", "2001:db8::/32"]).unwrap();
        assert!(list.allows("10.1.1.1".parse().unwrap()));
        assert!(list.allows("2001:db8::1".parse().unwrap()));
        assert!(!list.allows("192.168.0.1".parse().unwrap()));
        assert_eq!(
            SourceNetworks::parse(&["10.0.0.0/8", "x"]),
            Err((1, NetworkError::Malformed))
        );
        let many = vec!["10.0.0.0/8"; NETWORKS_MAX + 1];
        assert_eq!(SourceNetworks::parse(&many), Err((NETWORKS_MAX, NetworkError::TooMany)));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,80}", close in "[0-9a-f:./]{0,50}") {
            let _ = IpNetwork::parse(&text);
            let _ = IpNetwork::parse(&close);
        }

        #[test]
        fn text_and_network_are_one_to_one(bytes in any::<u128>(), four in any::<u32>(), prefix in 0u8..=128) {
            let short = prefix % 33;
            let v6 = IpNet::new(Ipv6Addr::from_bits(bytes).into(), prefix).unwrap().network();
            let v4 = IpNet::new(Ipv4Addr::from_bits(four).into(), short).unwrap().network();
            for (address, prefix) in [(v6, prefix), (v4, short)] {
                if let Ok(network) = IpNetwork::parse(&format!("{address}/{prefix}")) {
                    prop_assert_eq!(IpNetwork::parse(&network.to_string()), Ok(network));
                    prop_assert!(network.contains(address));
                } else {
                    prop_assert!(address.is_ipv4() != address.to_canonical().is_ipv4());
                }
            }
        }
    }
}
