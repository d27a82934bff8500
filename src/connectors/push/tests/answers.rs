//! What each answer, and each way of not answering, comes to.

use std::time::Instant;

use futures_util::future::join_all;

use crate::push::tests::*;

const CLOSE: &str = "Content-Length: 0\r\nConnection: close\r\n\r\n";

async fn attempt_at(server: &Server) -> AttemptOutcome {
    let push = push(&lists(&[server.address.port()]), &Arc::new(Scripted::default()));
    send(&push, &format!("http://{}/hook", server.address)).await
}

/// Answers every request with these bytes and closes.
async fn fixed(bytes: impl Into<Vec<u8>>) -> Server {
    let bytes = bytes.into();
    Server::start(listen().await, move |_| bytes.clone()).await
}

/// Answers with `start`, then with `more` again and again without an end.
async fn endless(start: &'static [u8], more: &'static [u8], sent: Arc<AtomicUsize>) -> Server {
    Server::with(listen().await, move |mut stream| {
        let sent = Arc::clone(&sent);
        async move {
            read_request(&mut stream).await?;
            stream.write_all(start).await?;
            loop {
                stream.write_all(more).await?;
                sent.fetch_add(more.len(), Ordering::SeqCst);
            }
        }
    })
}

/// Answers with `start`, then with one byte each 5 ms.
async fn dripping(start: &'static [u8], drop: &'static [u8]) -> Server {
    Server::with(listen().await, move |mut stream| async move {
        read_request(&mut stream).await?;
        stream.write_all(start).await?;
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        loop {
            tick.tick().await;
            stream.write_all(drop).await?;
        }
    })
}

#[tokio::test]
async fn a_status_decides_what_the_attempt_came_to() {
    for status in [200, 201, 202, 204, 299] {
        let server = fixed(format!("HTTP/1.1 {status} X\r\n{CLOSE}")).await;
        assert_eq!(attempt_at(&server).await, AttemptOutcome::Confirmed { status });
    }
    let server = fixed(format!("HTTP/1.0 200 OK\r\n{CLOSE}")).await;
    assert_eq!(attempt_at(&server).await, AttemptOutcome::Confirmed { status: 200 });
    let server = fixed(format!("HTTP/1.1 410 Gone\r\n{CLOSE}")).await;
    assert_eq!(attempt_at(&server).await, AttemptOutcome::Gone);
    for status in [304, 400, 401, 404, 409, 500, 502, 504, 599, 999] {
        let server = fixed(format!("HTTP/1.1 {status} X\r\nRetry-After: 9\r\n{CLOSE}")).await;
        assert_eq!(attempt_at(&server).await, answered(status, None));
        assert_eq!(server.connections(), 1, "{status} was tried again");
    }
}

#[tokio::test]
async fn a_busy_receiver_may_say_how_long_it_is_busy() {
    for status in [429, 503] {
        for (field, expected) in [
            ("", None),
            ("Retry-After: 120\r\n", Some(120)),
            ("Retry-After: soon\r\n", None),
            (
                "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nRetry-After: Thu, 01 Jan 2026 00:01:30 GMT\r\n",
                Some(90),
            ),
        ] {
            let server = fixed(format!("HTTP/1.1 {status} X\r\n{field}{CLOSE}")).await;
            assert_eq!(
                attempt_at(&server).await,
                answered(status, expected),
                "{status} {field}"
            );
        }
    }
}

#[tokio::test]
async fn the_request_carries_the_message_its_signature_and_little_else() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let server = Server::start(listen().await, move |request| {
        record.lock().unwrap().push(request);
        format!("HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\n{CLOSE}").into_bytes()
    })
    .await;
    let push = push(&lists(&[server.address.port()]), &Arc::new(Scripted::default()));
    let url = format!("http://{}/hook?k=v", server.address);
    for _ in 0..2 {
        assert_eq!(send(&push, &url).await, AttemptOutcome::Confirmed { status: 200 });
    }
    let seen = seen.lock().unwrap();
    for request in seen.iter() {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        assert_eq!(lines.next(), Some("POST /hook?k=v HTTP/1.1"));
        let fields: HeaderMap = lines
            .map(|line| {
                let (name, value) = line.split_once(": ").unwrap();
                let name: reqwest::header::HeaderName = name.parse().unwrap();
                (name, value.parse().unwrap())
            })
            .collect();
        let mut names: Vec<&str> = fields.keys().map(|name| name.as_str()).collect();
        names.sort_unstable();
        let expected = [
            "accept",
            "content-length",
            "content-type",
            "host",
            "user-agent",
            "webhook-id",
            "webhook-signature",
            "webhook-timestamp",
        ];
        assert_eq!(names, expected);
        assert_eq!(fields["content-type"], "application/cloudevents+json; charset=utf-8");
        assert_eq!(fields["user-agent"], concat!("heyan/", env!("CARGO_PKG_VERSION")));
        let library = standardwebhooks::Webhook::from_bytes(KEY.to_vec()).unwrap();
        library.verify(body.as_bytes(), &fields).unwrap();
        assert!(library.verify(b"{}", &fields).is_err());
    }
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn nothing_is_sent_without_a_signature() {
    let server = fixed(format!("HTTP/1.1 200 OK\r\n{CLOSE}")).await;
    let push = push(&lists(&[server.address.port()]), &Arc::new(Scripted::default()));
    let target = WebhookTarget {
        url: format!("http://{}/", server.address),
        secrets: Vec::new(),
        ed25519_seed: None,
    };
    assert_eq!(push.send(&target, &message()).await, no_answer(AttemptFailure::Unmade));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_2xx_is_confirmed_whatever_body_follows_and_little_of_it_is_read() {
    let sent = Arc::new(AtomicUsize::new(0));
    let huge = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n";
    let server = endless(huge, &[b'x'; 4096], Arc::clone(&sent)).await;
    assert_eq!(attempt_at(&server).await, AttemptOutcome::Confirmed { status: 200 });
    // What the buffers of the two sockets take, and no more.
    assert!(sent.load(Ordering::SeqCst) < 32 << 20, "{sent:?}");

    let chunked = b"HTTP/1.1 202 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let start = Instant::now();
    let slow = dripping(chunked, b"1\r\nx\r\n").await;
    assert_eq!(attempt_at(&slow).await, AttemptOutcome::Confirmed { status: 202 });
    let silent = dripping(b"HTTP/1.1 201 OK\r\nContent-Length: 5\r\n\r\n", b"").await;
    assert_eq!(attempt_at(&silent).await, AttemptOutcome::Confirmed { status: 201 });
    let garbage = endless(chunked, b"no chunk", Arc::default()).await;
    assert_eq!(attempt_at(&garbage).await, AttemptOutcome::Confirmed { status: 202 });
    let cut = fixed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab").await;
    assert_eq!(attempt_at(&cut).await, AttemptOutcome::Confirmed { status: 200 });
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());

    // A failure is known by its status just as well.
    let error = endless(
        b"HTTP/1.1 500 X\r\nContent-Length: 10000000000\r\n\r\n",
        &[b'x'; 4096],
        sent,
    )
    .await;
    assert_eq!(attempt_at(&error).await, answered(500, None));
}

#[tokio::test]
async fn no_answer_in_time_is_a_timeout() {
    let start = Instant::now();
    let servers = [
        dripping(b"", b"").await,
        dripping(b"HTTP/1.1 200 OK\r\n", b"").await,
        dripping(b"HTTP/1.1 200 OK\r\nX: ", b"y").await,
        // Interim answers without an end.
        dripping(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early\r\n\r\n").await,
    ];
    for attempted in join_all(servers.iter().map(attempt_at)).await {
        assert_eq!(attempted, no_answer(AttemptFailure::Timeout));
    }
    assert!(servers.iter().all(|server| server.connections() == 1));
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_flood_of_interim_answers_ends_with_the_attempt() {
    let sent = Arc::new(AtomicUsize::new(0));
    let server = endless(b"", b"HTTP/1.1 102 Processing\r\n\r\n", Arc::clone(&sent)).await;
    assert_eq!(attempt_at(&server).await, no_answer(AttemptFailure::Timeout));
    assert!(sent.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn what_breaks_or_is_no_http_is_broken() {
    let reset = |answer: &'static [u8]| {
        move |mut stream: TcpStream| async move {
            read_request(&mut stream).await?;
            stream.write_all(answer).await?;
            stream.set_zero_linger()
        }
    };
    let servers = [
        Server::with(listen().await, reset(b"")),
        Server::with(listen().await, reset(b"HTTP/1.1 200 O")),
        Server::with(listen().await, reset(b"HTTP/1.1 200 OK\r\nContent-Le")),
        // Reset before the request is read.
        Server::with(listen().await, |stream| async move { stream.set_zero_linger() }),
        fixed("").await,
        fixed("HTTP/1.1 200 OK\r\nX: y").await,
        fixed("hello\r\n\r\n").await,
        fixed(vec![0xff; 300]).await,
        fixed("HTTP/2.0 200 OK\r\n\r\n").await,
        fixed("HTTP/0.9 200 OK\r\n\r\n").await,
        fixed("HTTP/1.1 20 OK\r\n\r\n").await,
        fixed("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n").await,
        fixed("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab").await,
        fixed("SSH-2.0-OpenSSH_9.9\r\n").await,
        fixed(*b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await,
        endless(b"HTTP/1.1 200 OK\r\n", b"X: 1234567890\r\n", Arc::default()).await,
        endless(b"HTTP/1.1 200 OK\r\nX: ", &[b'y'; 4096], Arc::default()).await,
    ];
    for (at, server) in servers.iter().enumerate() {
        assert_eq!(
            attempt_at(server).await,
            no_answer(AttemptFailure::Broken),
            "server {at}"
        );
        assert_eq!(server.connections(), 1, "server {at}");
    }
}

#[tokio::test]
async fn nobody_there_is_no_connection() {
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    drop(listener);
    let push = push(&lists(&[address.port()]), &Arc::new(Scripted::default()));
    let attempted = send(&push, &format!("http://{address}/")).await;
    assert_eq!(attempted, no_answer(AttemptFailure::Connect));
}

#[tokio::test]
async fn a_resolver_that_hangs_is_given_up() {
    struct Never;
    #[async_trait]
    impl NameLookup for Never {
        async fn lookup(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
            std::future::pending().await
        }
    }
    let push = WebhookPush::with_lookup(config(&lists(&[80])), Arc::new(Never)).unwrap();
    let start = Instant::now();
    assert_eq!(
        send(&push, "http://good.example/").await,
        no_answer(AttemptFailure::Connect)
    );
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_short_answer_lets_the_connection_serve_again() {
    let server = Server::with(listen().await, |mut stream| async move {
        loop {
            read_request(&mut stream).await?;
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                .await?;
        }
    });
    let push = push(&lists(&[server.address.port()]), &Arc::new(Scripted::default()));
    for _ in 0..5 {
        let url = format!("http://{}/", server.address);
        assert_eq!(send(&push, &url).await, AttemptOutcome::Confirmed { status: 200 });
    }
    assert_eq!(server.connections(), 1);
}
