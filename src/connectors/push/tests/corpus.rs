//! Hostile URLs against canaries that listen where no target may be: none of them may hear a connection.
//! Only 127.0.0.9 is listed. The last test opens the rules and shows that the same canaries do hear.

use crate::push::tests::*;

/// Listens at one port of the good address and of three that are not listed.
struct Field {
    good: Server,
    canaries: Vec<Server>,
    port: u16,
}

impl Field {
    async fn lay() -> Self {
        for _ in 0..50 {
            let good = listen().await;
            let port = good.local_addr().unwrap().port();
            let mut others = Vec::new();
            for address in ["127.0.0.1", "127.0.0.2", "::1"] {
                others.extend(TcpListener::bind((address, port)).await);
            }
            if others.len() == 3 {
                let good = Server::start(good, move |request| redirect(&request, port)).await;
                let mut canaries = Vec::new();
                for listener in others {
                    canaries.push(Server::start(listener, |_| ok().to_vec()).await);
                }
                return Self { good, canaries, port };
            }
        }
        panic!("no port is free at all four addresses");
    }

    fn heard(&self) -> Vec<usize> {
        self.canaries.iter().map(Server::connections).collect()
    }
}

fn ok() -> &'static [u8] {
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
}

/// `POST /307/HOST` is answered with a 307 to the canary at HOST.
fn redirect(request: &str, port: u16) -> Vec<u8> {
    let path = request.split(' ').nth(1).unwrap_or_default();
    let mut parts = path.split('/').skip(1);
    match (parts.next().map(str::parse::<u16>), parts.next()) {
        (Some(Ok(status)), Some(host)) => format!(
            "HTTP/1.1 {status} Elsewhere\r\nLocation: http://{host}:{port}/\r\nRefresh: 0; url=http://{host}:{port}/\r\n\
             Alt-Svc: http/1.1=\"{host}:{port}\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .into_bytes(),
        _ => ok().to_vec(),
    }
}

/// Hosts that lead, or try to lead, to an address that is not listed. `P` stands for the port.
const HOSTILE: &[&str] = &[
    // Loopback and its spellings.
    "http://127.0.0.1:P/",
    "http://127.0.0.2:P/",
    "http://127.1:P/",
    "http://127.0.1:P/",
    "http://2130706433:P/",
    "http://0x7f000001:P/",
    "http://0x7F.0.0.1:P/",
    "http://0x7f.1:P/",
    "http://017700000001:P/",
    "http://0177.0.0.1:P/",
    "http://0177.0.0.02:P/",
    "http://127.000.000.001:P/",
    "http://0127.0.0.1:P/",
    "http://127.0.0.1.:P/",
    "http://%31%32%37.0.0.1:P/",
    "http://127%2e0%2e0%2e1:P/",
    "http://１２７.0.0.1:P/",
    "http://127。0。0。1:P/",
    "http://127．0．0．1:P/",
    "http://127｡0｡0｡1:P/",
    "http://①②⑦.⓪.⓪.①:P/",
    "http://0:P/",
    "http://0.0.0.0:P/",
    "http://00000:P/",
    "http://localhost:P/",
    "http://LOCALHOST:P/",
    "http://localhost.:P/",
    "http://ⓛocalhost:P/",
    "http://ip6-localhost:P/",
    // IPv6, and IPv4 within it.
    "http://[::1]:P/",
    "http://[0:0:0:0:0:0:0:1]:P/",
    "http://[0000:0000:0000:0000:0000:0000:0000:0001]:P/",
    "http://[::]:P/",
    "http://[::ffff:127.0.0.1]:P/",
    "http://[::ffff:7f00:1]:P/",
    "http://[::FFFF:127.0.0.2]:P/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:P/",
    "http://[::127.0.0.1]:P/",
    "http://[::ffff:0:127.0.0.1]:P/",
    "http://[64:ff9b::127.0.0.1]:P/",
    "http://[64:ff9b::a9fe:a9fe]:P/",
    "http://[64:ff9b:1::7f00:1]:P/",
    "http://[2002:7f00:1::]:P/",
    "http://[2001:0:7f00:1::]:P/",
    "http://[fe80::5efe:7f00:1]:P/",
    "http://[fe80::1]:P/",
    "http://[fe80::1%25lo]:P/",
    "http://[::1%25lo]:P/",
    "http://[::ffff:0.0.0.0]:P/",
    // Metadata, link-local, neighbours.
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/",
    "http://100.100.100.200/",
    "http://169.254.1.1:P/",
    "http://127.0.0.8:P/",
    "http://127.0.0.10:P/",
    "http://127.0.0.9.1:P/",
    "http://127.0.2305:P/",
    // Who is the host?
    "http://127.0.0.9@127.0.0.1:P/",
    "http://127.0.0.9:P@127.0.0.1:P/",
    "http://good.example@127.0.0.1:P/",
    "http://good.example:pw@127.0.0.1:P/",
    "http://@127.0.0.1:P/",
    "http://127.0.0.1:P@127.0.0.9:P/",
    "http://127.0.0.1:P\\@127.0.0.9:P/",
    "http://127.0.0.1:P#@127.0.0.9:P/",
    "http://127.0.0.1:P?@127.0.0.9:P/",
    "http://127.0.0.9:P#.127.0.0.1:P/",
    "http://127.0.0.1:P\\127.0.0.9/",
    "http:\\\\127.0.0.1:P\\",
    "http:127.0.0.1:P",
    "http:/127.0.0.1:P/",
    "http:///127.0.0.1:P/",
    "////127.0.0.1:P/",
    "http://127.0.0.9 @127.0.0.1:P/",
    "http://127.0.0.9\t@127.0.0.1:P/",
    "http://127.0.0.1\n:P/",
    " http://127.0.0.1:P/",
    "http://127.0.0.1%00.good.example:P/",
    "http://127.0.0.1;good.example:P/",
    "http://good.example,127.0.0.1:P/",
    "http://127.0.0.9:P:80@127.0.0.1:P/",
    "http://good.example.:P/",
    "http://example:P/",
    "http://.example:P/",
    "http://evilexample:P/",
    // Ports and schemes.
    "http://127.0.0.9:1/",
    "http://127.0.0.9/",
    "http://127.0.0.9:0/",
    "http://127.0.0.9:65536/",
    "https://127.0.0.1:P/",
    "https://[::1]:P/",
    "ftp://127.0.0.1:P/",
    "ws://127.0.0.1:P/",
    "gopher://127.0.0.1:P/_x",
    "dict://127.0.0.1:P/x",
    "file:///etc/hostname",
    "data:,x",
    "jar:http://127.0.0.1:P!/",
    // Names whose addresses are not, or not all, listed.
    "http://loopback.example:P/",
    "http://both.example:P/",
    "http://both-turned.example:P/",
    "http://six.example:P/",
    "http://mapped.example:P/",
    "http://compatible.example:P/",
    "http://nat64.example:P/",
    "http://six-to-four.example:P/",
    "http://zero.example:P/",
    "http://zero-six.example:P/",
    "http://metadata.example:P/",
    "http://many.example:P/",
    "http://nothing.example:P/",
    "http://failing.example:P/",
    "https://loopback.example:P/",
];

fn names(lookup: &Scripted) {
    let many: Vec<&str> = std::iter::repeat_n(GOOD, ADDRESSES).chain(["127.0.0.1"]).collect();
    for (name, addresses) in [
        ("good.example", &[GOOD][..]),
        ("mapped-good.example", &["::ffff:127.0.0.9"]),
        ("loopback.example", &["127.0.0.1"]),
        ("both.example", &[GOOD, "127.0.0.1"]),
        ("both-turned.example", &["127.0.0.2", GOOD]),
        ("six.example", &["::1"]),
        ("mapped.example", &["::ffff:127.0.0.1"]),
        ("compatible.example", &["::127.0.0.1"]),
        ("nat64.example", &["64:ff9b::7f00:1"]),
        ("six-to-four.example", &["2002:7f00:1::"]),
        ("zero.example", &["0.0.0.0"]),
        ("zero-six.example", &["::"]),
        ("metadata.example", &["169.254.169.254"]),
        // More than are tried: all are checked.
        ("many.example", many.as_slice()),
        ("nothing.example", &[]),
    ] {
        lookup.set(name, &[Some(addresses)]);
    }
    lookup.set("failing.example", &[None]);
}

/// More addresses than the client tries.
const ADDRESSES: usize = 20;

#[tokio::test]
async fn no_hostile_url_reaches_a_canary() {
    let field = Field::lay().await;
    let lookup = Arc::new(Scripted::default());
    names(&lookup);
    let lists = lists(&[field.port, 80]);
    let push = push(&lists, &lookup);
    let rules = TargetRules::parse(&lists).unwrap();
    assert!(HOSTILE.len() >= 100, "{}", HOSTILE.len());
    for url in HOSTILE {
        let url = url.replace('P', &field.port.to_string());
        let attempted = send(&push, &url).await;
        let refused = match &attempted {
            AttemptOutcome::Refused(_) => true,
            // Nobody answers for these names; and that is no reason to go elsewhere.
            AttemptOutcome::Failed { failure, .. } => *failure == AttemptFailure::Connect,
            _ => false,
        };
        assert!(refused, "{url}: {attempted:?}");
        // Once more past the check of the text: what the lenient parser makes of it must not lead elsewhere either.
        let checked = reqwest::Url::parse(&url).map(|url| rules.check_url(&url));
        if let Ok(Ok(checked)) = checked {
            let _ = push.client.request(Method::GET, &checked).send().await;
        }
        assert_eq!(field.heard(), [0, 0, 0], "{url}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let field = Field::lay().await;
    let push = push(&lists(&[field.port]), &Arc::new(Scripted::default()));
    let mut sent = 0;
    for status in [300, 301, 302, 303, 305, 307, 308] {
        for host in ["127.0.0.1", "127.0.0.2", "[::1]", "localhost", GOOD] {
            let url = format!("http://{GOOD}:{}/{status}/{host}", field.port);
            assert_eq!(send(&push, &url).await, answered(status, None), "{url}");
            sent += 1;
        }
    }
    assert_eq!(field.heard(), [0, 0, 0]);
    assert_eq!(field.good.connections(), sent);
}

#[tokio::test]
async fn a_name_that_changes_its_address_is_connected_to_where_it_was_checked() {
    let field = Field::lay().await;
    let lookup = Arc::new(Scripted::default());
    let push = push(&lists(&[field.port]), &lookup);
    let refused = AttemptOutcome::Refused(TargetFault::Network);
    let url = |name: &str| format!("http://{name}:{}/", field.port);

    // An answer that lives for one question: the first is checked and used, the second is checked and refused.
    lookup.set("turns.example", &[Some(&[GOOD]), Some(&["127.0.0.1"])]);
    assert_eq!(
        send(&push, &url("turns.example")).await,
        AttemptOutcome::Confirmed { status: 200 }
    );
    assert_eq!(lookup.asked.load(Ordering::SeqCst), 1);
    assert_eq!(send(&push, &url("turns.example")).await, refused);

    lookup.set("turns-six.example", &[Some(&[GOOD]), Some(&[GOOD, "::1"])]);
    assert_eq!(
        send(&push, &url("turns-six.example")).await,
        AttemptOutcome::Confirmed { status: 200 }
    );
    assert_eq!(send(&push, &url("turns-six.example")).await, refused);

    // Failing first must not bring an unchecked way (as in GitLab #63959).
    lookup.set("fails.example", &[None, Some(&["127.0.0.1"])]);
    assert_eq!(
        send(&push, &url("fails.example")).await,
        no_answer(AttemptFailure::Connect)
    );
    assert_eq!(send(&push, &url("fails.example")).await, refused);

    assert_eq!(field.heard(), [0, 0, 0]);
    assert_eq!(field.good.connections(), 2);
}

#[tokio::test]
async fn what_is_listed_is_reached() {
    let field = Field::lay().await;
    let lookup = Arc::new(Scripted::default());
    names(&lookup);
    let push = push(&lists(&[field.port]), &lookup);
    let good = [
        "http://127.0.0.9:P/",
        "http://127.0.0.9:P/a?b=c@d",
        "http://127.9:P/",
        "http://2130706441:P/",
        "http://0x7f.0.0.011:P/",
        "http://[::ffff:127.0.0.9]:P/",
        "http://good.example:P/",
        "http://GOOD.example:P/x",
        "http://mapped-good.example:P/",
    ];
    for (sent, url) in good.iter().enumerate() {
        let url = url.replace('P', &field.port.to_string());
        assert_eq!(push.check(&url), Ok(()), "{url}");
        assert_eq!(
            send(&push, &url).await,
            AttemptOutcome::Confirmed { status: 200 },
            "{url}"
        );
        assert_eq!(field.good.connections(), sent + 1, "{url}");
    }
    assert_eq!(field.heard(), [0, 0, 0]);
}

#[tokio::test]
async fn the_canaries_hear_once_their_addresses_are_listed() {
    let field = Field::lay().await;
    let all = texts(&["127.0.0.0/8", "::1"]);
    let lists = TargetLists {
        networks: all.clone(),
        literal_networks: all.clone(),
        plain_http_networks: all,
        ..lists(&[field.port])
    };
    let lookup = Arc::new(Scripted::default());
    names(&lookup);
    let push = push(&lists, &lookup);
    for (url, heard) in [
        ("http://127.0.0.1:P/", [1, 0, 0]),
        ("http://127.0.0.2:P/", [1, 1, 0]),
        ("http://[::1]:P/", [1, 1, 1]),
        ("http://0x7f.1:P/", [2, 1, 1]),
        ("http://[::ffff:127.0.0.1]:P/", [3, 1, 1]),
        ("http://mapped.example:P/", [4, 1, 1]),
        ("http://six.example:P/", [4, 1, 2]),
    ] {
        let url = url.replace('P', &field.port.to_string());
        assert_eq!(
            send(&push, &url).await,
            AttemptOutcome::Confirmed { status: 200 },
            "{url}"
        );
        assert_eq!(field.heard(), heard, "{url}");
    }
}
