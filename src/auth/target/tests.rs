//! Tables of URLs, addresses and lists against the rules; what is connected to is tested in `push::tests`.

use super::*;
use proptest::prelude::*;

fn texts(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn rules() -> TargetRules {
    TargetRules::parse(&TargetLists {
        hosts: texts(&["hub.example", ".agency.example", "xn--fiqs8s.example", "localhost"]),
        networks: texts(&["10.1.0.0/16", "127.0.0.9", "fd00:1::/32", "2001:db8::/32"]),
        ports: vec![443, 8443],
        literal_networks: texts(&["10.1.2.0/24", "127.0.0.9", "10.2.0.0/16", "2001:db8::/32"]),
        any_port_networks: Vec::new(),
        plain_http_networks: texts(&["127.0.0.0/8"]),
    })
    .unwrap()
}

fn fault(text: &str) -> Option<TargetFault> {
    rules().check_text(text).err()
}

#[test]
fn what_is_listed_is_admitted_in_whatever_form_it_is_written() {
    for (text, url, literal) in [
        ("https://hub.example/a?b=c", "https://hub.example/a?b=c", None),
        ("https://HUB.Example", "https://hub.example/", None),
        ("HTTPS://hub.example:443/", "https://hub.example/", None),
        ("https://hub.example:8443/x", "https://hub.example:8443/x", None),
        ("https://a.agency.example/", "https://a.agency.example/", None),
        ("https://b.a.agency.example/", "https://b.a.agency.example/", None),
        ("https://中国.example/", "https://xn--fiqs8s.example/", None),
        ("https://hub.example/a@b", "https://hub.example/a@b", None),
        ("http://hub.example:8443/", "http://hub.example:8443/", None),
        ("https://10.1.2.3/", "https://10.1.2.3/", Some("10.1.2.3")),
        ("https://0x0a.1.515/", "https://10.1.2.3/", Some("10.1.2.3")),
        (
            "https://[::ffff:10.1.2.3]/",
            "https://[::ffff:a01:203]/",
            Some("10.1.2.3"),
        ),
        ("https://[2001:DB8::1]/", "https://[2001:db8::1]/", Some("2001:db8::1")),
        ("http://127.0.0.9:8443/", "http://127.0.0.9:8443/", Some("127.0.0.9")),
    ] {
        let checked = rules().check_text(text).map_err(|fault| (text, fault));
        let checked = checked.map(|checked| (checked.url().to_string(), checked.literal()));
        assert_eq!(
            checked,
            Ok((url.to_owned(), literal.map(|l| l.parse().unwrap()))),
            "{text}"
        );
    }
}

#[test]
fn what_is_not_listed_is_refused_with_its_reason() {
    use TargetFault::{Address, Fragment, Host, Malformed, Network, Port, Scheme, Userinfo};
    let long = format!("https://hub.example/{}", "a".repeat(URL_BYTES_MAX));
    for (text, expected) in [
        ("", Malformed),
        ("hub.example", Malformed),
        ("//hub.example/", Malformed),
        ("https:hub.example", Malformed),
        ("https:/hub.example", Malformed),
        ("https:///hub.example", Malformed),
        ("https://", Malformed),
        (" https://hub.example", Malformed),
        ("https://hub.example\n", Malformed),
        ("https://hub.exa\tmple/", Malformed),
        ("https:\\\\hub.example", Malformed),
        ("https://evil.example\\@hub.example/", Malformed),
        ("https://hub%2eexample/", Malformed),
        ("https://hub.example:99999/", Malformed),
        ("https://[fe80::1%25eth0]/", Malformed),
        ("https://[::1/", Malformed),
        ("https://1.2.3.4.5/", Malformed),
        ("https://256.1.1.1/", Malformed),
        (long.as_str(), Malformed),
        ("ftp://hub.example/", Scheme),
        ("file:///etc/passwd", Scheme),
        ("gopher://hub.example/", Scheme),
        ("wss://hub.example/", Scheme),
        ("javascript:alert(1)", Scheme),
        ("https://me@hub.example/", Userinfo),
        ("https://me:pw@hub.example/", Userinfo),
        ("https://:pw@hub.example/", Userinfo),
        ("https://@hub.example/", Userinfo),
        ("https://hub.example@evil.example/", Userinfo),
        ("https://hub.example/#", Fragment),
        ("https://hub.example/#@evil.example", Fragment),
        ("https://evil.example/", Host),
        ("https://hub.example./", Host),
        ("https://x.hub.example/", Host),
        ("https://agency.example/", Host),
        ("https://.agency.example/", Host),
        ("https://a..agency.example/", Host),
        ("https://xagency.example/", Host),
        ("https://hub.example.evil.example/", Host),
        ("https://hub.example:80/", Port),
        ("http://hub.example/", Port),
        ("https://hub.example:0/", Port),
        ("https://10.1.3.1/", Address),
        ("https://167838465/", Address),
        ("https://012.1.3.1/", Address),
        ("https://[::ffff:10.1.3.1]/", Address),
        ("https://[64:ff9b::a01:301]/", Address),
        ("https://[64:ff9b:1::a01:203]/", Address),
        ("https://[2002:a01:301::]/", Address),
        ("https://[::]/", Address),
        ("https://0/", Address),
        ("https://１２７.0.0.1/", Address),
        ("https://127。0。0。1/", Address),
        ("https://10.2.0.1/", Network),
        ("http://10.1.2.3:8443/", Network),
    ] {
        assert_eq!(fault(text), Some(expected), "{text}");
    }
}

#[test]
fn plain_http_is_refused_without_its_networks_and_everything_without_rules() {
    let tls = TargetRules {
        plain: Vec::new(),
        ..rules()
    };
    assert_eq!(
        tls.check_text("http://hub.example:8443/").err(),
        Some(TargetFault::Scheme)
    );
    for text in ["https://hub.example/", "https://10.1.2.3/", "http://127.0.0.9/"] {
        assert!(TargetRules::default().check_text(text).is_err(), "{text}");
    }
}

#[test]
fn a_url_that_was_parsed_elsewhere_meets_the_same_rules() {
    use TargetFault::{Address, Fragment, Host, Port, Scheme, Userinfo};
    for (text, expected) in [
        ("https://hub.example/", None),
        ("https://me@hub.example/", Some(Userinfo)),
        ("https://:pw@hub.example/", Some(Userinfo)),
        ("https://hub.example/#", Some(Fragment)),
        ("https:\\\\evil.example\\@hub.example/", Some(Host)),
        ("https://hub%2Eexample./", Some(Host)),
        ("https:///0x7f.1/", Some(Address)),
        ("https://hub.example:22/", Some(Port)),
        ("ftp://hub.example/", Some(Scheme)),
    ] {
        let url = Url::parse(text).unwrap();
        assert_eq!(rules().check_url(&url).err(), expected, "{text}");
    }
}

#[test]
fn an_address_counts_as_what_it_means() {
    for (written, expected) in [
        ("10.1.2.3", Some("10.1.2.3")),
        ("::ffff:10.1.2.3", Some("10.1.2.3")),
        ("::10.1.2.3", Some("10.1.2.3")),
        ("::ffff:0:10.1.2.3", Some("10.1.2.3")),
        ("64:ff9b::10.1.2.3", Some("10.1.2.3")),
        ("2002:a01:203::1", Some("10.1.2.3")),
        ("::1", Some("::1")),
        ("fd00:1::1", Some("fd00:1::1")),
        ("0.0.0.0", None),
        ("0.1.2.3", None),
        ("::ffff:0.0.0.0", None),
        ("::2", None),
        ("::", None),
        ("224.0.0.1", None),
        ("255.255.255.255", None),
        ("ff02::1", None),
        ("2001:0:53aa::1", None),
        ("64:ff9b:1::1", None),
        ("fd00:1::5efe:a01:203", None),
        ("fd00:1::200:5efe:a01:203", None),
    ] {
        let expected = expected.map(|text| text.parse().unwrap());
        assert_eq!(meant(written.parse().unwrap()), expected, "{written}");
    }
}

#[test]
fn a_wide_network_admits_neither_loopback_nor_metadata() {
    let of = |networks: &[&str]| {
        let networks = texts(networks);
        TargetRules::parse(&TargetLists {
            networks,
            ..TargetLists::default()
        })
        .unwrap()
    };
    let admits = |rules: &TargetRules, address: &str| {
        rules
            .check_address(TargetTransport::Tls, address.parse().unwrap())
            .is_ok()
    };
    let wide = of(&[
        "0.0.0.0/0",
        "::/0",
        "126.0.0.0/7",
        "169.254.0.0/15",
        "100.64.0.0/10",
        "fe80::/9",
    ]);
    for address in [
        "8.8.8.8",
        "10.0.0.1",
        "100.100.100.1",
        "2001:db8::1",
        "126.1.1.1",
        "169.255.0.1",
    ] {
        assert!(admits(&wide, address), "{address}");
    }
    for address in [
        "127.0.0.1",
        "::ffff:127.0.0.1",
        "::1",
        "169.254.169.254",
        "64:ff9b::169.254.169.254",
        "100.100.100.200",
        "fe80::1",
        "0.0.0.0",
        "::",
    ] {
        assert!(!admits(&wide, address), "{address}");
    }
    let narrow = of(&["127.0.0.0/8", "::1", "169.254.169.254", "100.100.100.200", "fe80::/10"]);
    for address in ["127.0.0.1", "::1", "169.254.169.254", "100.100.100.200", "fe80::1"] {
        assert!(admits(&narrow, address), "{address}");
    }
    assert!(!admits(&narrow, "169.254.169.253"));
}

#[test]
fn plain_http_reaches_its_own_networks_only() {
    let rules = rules();
    for (address, tls, plain) in [
        ("127.0.0.9", true, true),
        ("127.0.0.1", false, false),
        ("10.1.2.3", true, false),
        ("10.2.0.1", false, false),
    ] {
        let address = address.parse().unwrap();
        assert_eq!(
            rules.check_address(TargetTransport::Tls, address).is_ok(),
            tls,
            "{address}"
        );
        assert_eq!(
            rules.check_address(TargetTransport::Plain, address).is_ok(),
            plain,
            "{address}"
        );
    }
}

#[test]
fn a_bad_item_of_a_list_is_named() {
    for text in [
        "",
        ".",
        "..a",
        "a..b",
        "a.",
        "*",
        "*.example",
        "https://a",
        "a:443",
        "a/b",
        "a b",
        "u@a",
        "a%2eb",
        "1.2.3.4",
        "[::1]",
        "0x7f.1",
        "２１３０７０６４３３",
        "a\tb",
    ] {
        let hosts = vec!["fine.example".to_owned(), text.to_owned()];
        let error = TargetRules::parse(&TargetLists {
            hosts,
            ..TargetLists::default()
        });
        let (list, at, reason) = ("hosts", 1, RuleFault::Host);
        assert_eq!(error, Err(RuleError { list, at, reason }), "{text}");
    }
    let lists = TargetLists {
        ports: vec![443, 0],
        ..TargetLists::default()
    };
    assert_eq!(TargetRules::parse(&lists).unwrap_err().to_string(), "ports[1]: no port");
    let lists = TargetLists {
        any_port_networks: Vec::new(),
        plain_http_networks: texts(&["10.0.0.1/8"]),
        ..TargetLists::default()
    };
    let error = TargetRules::parse(&lists).unwrap_err();
    assert_eq!(
        (error.list, error.at, error.reason),
        ("plain_http_networks", 0, NetworkError::HostBits.into())
    );
    let lists = TargetLists {
        ports: vec![1; ITEMS_MAX + 1],
        ..TargetLists::default()
    };
    assert_eq!(TargetRules::parse(&lists).unwrap_err().reason, RuleFault::TooMany);
}

proptest! {
    #[test]
    fn no_text_panics_and_an_admitted_one_is_what_it_says(
        text in "(https?:)?/{0,3}[a-z0-9.:@\\[\\]%#?/\\\\ 。１-９x-]{0,40}",
        any in ".{0,60}",
    ) {
        for text in [text, any] {
            if let Ok(checked) = rules().check_text(&text) {
                // What was checked is what its own text says again.
                let again = rules().check_text(checked.url().as_str());
                prop_assert!(again.is_ok_and(|again| again.url() == checked.url()));
            }
        }
    }

    #[test]
    fn an_embedded_address_is_admitted_only_with_its_ipv4_address(bits in any::<u32>()) {
        let v4 = Ipv4Addr::from_bits(bits);
        let admitted = rules().check_address(TargetTransport::Tls, IpAddr::V4(v4));
        let low = u128::from(bits);
        for prefix in [0xffffu128 << 32, 0x64_ff9b << 96, 0xffff << 48] {
            let v6 = IpAddr::V6(Ipv6Addr::from_bits(prefix | low));
            prop_assert_eq!(rules().check_address(TargetTransport::Tls, v6), admitted);
        }
    }
}
