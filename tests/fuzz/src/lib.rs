//! What each target does with its input: no panic, no endless loop, and the promise in its comment. The targets call these with what
//! the fuzzer makes; a plain test of the hub calls them with every seed, where there is no fuzzer.

use std::{
    collections::{BTreeSet, VecDeque},
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    sync::{Arc, LazyLock},
    time::Duration,
};

use heyan::{
    app::{archive::check, bus::envelope},
    auth::seal::PurposeSealer,
    catalog::Catalog,
    connectors::{
        rows::{
            charset,
            lines::TextLines,
            sheet::{SheetFault, SheetRows},
        },
        source::{
            answer::{AnswerReader, WholeAnswer},
            config::{ConnectorFile, ConnectorRole, ConnectorWork},
            template::PlaceScope,
        },
    },
    http::{health, page},
    ports::bus::{BusTopic, ReceivedMessage},
};

/// A message of the bus: headers as lines `name: value`, an empty line, the payload. What is read is an event of its topic with an id
/// that is none too long; a trace that goes on is one.
pub fn envelope(input: &[u8]) {
    let at = input.windows(2).position(|two| two == b"\n\n");
    let (head, payload) = at.map_or((input, None), |at| (&input[..at], Some(input[at + 2..].to_vec())));
    let text = String::from_utf8_lossy(head);
    let headers = text.lines().filter_map(|line| line.split_once(": "));
    let message = ReceivedMessage {
        partition: 0,
        offset: 0,
        key: None,
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
            .collect(),
        payload,
        remade: false,
    };
    for topic in [BusTopic::VerifyRequest, BusTopic::RecordChanged] {
        if let Ok(event) = envelope::read(topic, &message) {
            assert!(!event.id.is_empty() && event.id.len() <= 200);
            assert!(event.traceparent.is_none_or(|parent| parent.len() == 55));
        }
    }
}

/// Sealed bytes: only what was sealed opens, for its own place, and nothing that was changed.
pub fn sealed(input: &[u8]) {
    static SEALER: LazyLock<PurposeSealer> =
        LazyLock::new(|| PurposeSealer::new(2, &[7; 32], &[(1, [8; 32])]).unwrap());
    let mut out = Vec::new();
    assert!(
        SEALER.open(input, b"place", &mut out).is_err() && out.is_empty(),
        "a forgery opens"
    );
    let mut made = Vec::new();
    SEALER.seal(input, b"place", &mut made).unwrap();
    SEALER.open(&made, b"place", &mut out).unwrap();
    assert_eq!(out, input);
    assert!(
        SEALER.open(&made, b"other", &mut Vec::new()).is_err(),
        "it opens elsewhere"
    );
    let at = input.first().map_or(0, |byte| usize::from(*byte)) % made.len();
    made[at] ^= 1 << (input.len() % 8);
    assert!(
        SEALER.open(&made, b"place", &mut Vec::new()).is_err(),
        "changed bytes open"
    );
}

/// The cursor of a page: refused, or text that begins the next page.
pub fn cursor(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(after) = page::after(Some(text)) {
        assert!(after.is_some_and(|after| after.len() <= text.len()));
    }
}

/// The file of a dataset: compiled, or an error with its place.
pub fn schema(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match Catalog::dataset_of("fuzz.json", text) {
        Ok(dataset) => assert!(!dataset.name.is_empty()),
        Err(error) => assert!(error.to_string().contains("fuzz.json"), "{error}"),
    }
}

/// Bytes as they come over a connection: an HTTP answer that is none of 5xx, or the end of the connection; and the listener lives.
pub fn http(input: &[u8]) {
    static ADDRESS: LazyLock<std::net::SocketAddr> = LazyLock::new(|| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let (_handle, done) = health::serve(Arc::default(), listener).unwrap();
                let _ended = done.await;
            });
        });
        address
    });
    let mut stream = TcpStream::connect(*ADDRESS).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // The listener may have closed before all was sent.
    let _sent = stream.write_all(input);
    let _end = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _read = stream.read_to_end(&mut answer);
    if !answer.is_empty() {
        let starts = answer.starts_with(b"HTTP/1.1 ") || answer.starts_with(b"HTTP/1.0 ");
        // A node that is not ready yet says 503; nothing else of the server's is a request's fault.
        assert!(
            starts && (answer[9] < b'5' || answer[9..].starts_with(b"503")),
            "{:?}",
            String::from_utf8_lossy(&answer)
        );
    }
    let mut again = TcpStream::connect(*ADDRESS).unwrap();
    again.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    again
        .write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut alive = String::new();
    again.read_to_string(&mut alive).unwrap();
    assert!(alive.starts_with("HTTP/1.1 200"), "{alive}");
}

/// A sheet: rows in order, each no longer than may be, nothing behind a quotation mark without its partner.
pub fn csv(input: &[u8]) {
    let Ok(found) = charset::guess(input, false) else {
        return;
    };
    let lines = TextLines::new(input, 0, 0, 4_096);
    let mut rows = SheetRows::new(lines, VecDeque::new(), found.encoding(), ',', 4_096);
    let (mut line, mut over) = (0, false);
    while let Ok(Some(row)) = rows.next_row() {
        assert!(!over && row.line > line && row.last_line >= row.line && row.end <= input.len() as u64);
        (line, over) = (row.last_line, matches!(row.cells, Err(SheetFault::UnclosedQuote)));
    }
}

/// An answer in XML: a tree without entities of its own, or unreadable.
pub fn xml(input: &[u8]) {
    static READER: LazyLock<AnswerReader> = LazyLock::new(|| {
        let file = "role = \"source\"\nkind = \"http\"\ndataset = \"natural-person\"\ntitle = { zh = \"x\", en = \"x\" }\n\
            [targets]\nhosts = [\"x.example\"]\n[request]\nurl = \"https://x.example/\"\n[answer]\nformat = \"xml\"\n\
            code_pointer = \"/A/code\"\nsuccess = [\"0\"]\nrecords_pointer = \"/A/row\"\nfields = { name = \"/xm\" }\n";
        let file = ConnectorFile::parse(Path::new("x.toml"), file).unwrap_or_else(|error| panic!("{error}"));
        let ConnectorWork::HttpSource { http, .. } = file.work else {
            panic!("no source")
        };
        let scope = PlaceScope {
            role: ConnectorRole::Source,
            subject: BTreeSet::from(["id_number".to_owned()]),
            fields: BTreeSet::from(["name".to_owned()]),
            some: BTreeSet::new(),
        };
        AnswerReader::compile(&http.answer, &scope).unwrap_or_else(|(key, reason)| panic!("{key} {reason}"))
    });
    let answer = WholeAnswer {
        status: 200,
        content_type: Some("application/xml".to_owned()),
        retry_after_s: None,
        body: input.to_vec(),
    };
    if let Ok(outcome) = READER.outcome(&answer) {
        assert!(
            format!("{outcome:?}").len() < 64 * (input.len() + 64),
            "it has grown while it was read"
        );
    }
}

/// A pack of an archive: proven or refused. Without keys nothing is proven.
pub fn pack(input: &[u8]) {
    assert!(check::check(input, &[]).is_err(), "a pack is proven without keys");
}

/// A name, and what takes its input.
pub type FuzzTarget = (&'static str, fn(&[u8]));

/// The targets by name.
pub const TARGETS: [FuzzTarget; 8] = [
    ("envelope", envelope),
    ("sealed", sealed),
    ("cursor", cursor),
    ("schema", schema),
    ("http", http),
    ("csv", csv),
    ("xml", xml),
    ("pack", pack),
];
