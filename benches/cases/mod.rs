//! The pure parts of the verification path, each as one call on fixed input: counted in instructions by
//! `count.rs`. Input is of the shapes that a city sends: names, dates, addresses, numbers.

use std::{hint::black_box, time::Duration};

use heyan::app::verification::question::VerificationBody;
use heyan::{
    auth::{
        pseudonym::Pseudonymizer,
        seal::PurposeSealer,
        token::{KeyId, TokenClaims, TokenSigner, TokenVerifier},
    },
    catalog::{Catalog, Dataset},
    domain::{
        identifier::IdentifierKind,
        policy::UsePermission,
        verdict::{MatchBasis, Outcome, Verdict},
    },
    ledger::{
        Ledger, LedgerConfig,
        entry::{self, EntryKind},
        leaf_hash,
    },
};

use compared::{COMPARED, IDENTIFIERS};

mod compared;

/// A part: its name, and one call of it.
pub(crate) type Case = (String, Box<dyn FnMut()>);

const BODY: &str = r#"{"dataset":"natural-person","subject":{"id_number":"340207199705305213"},"claims":{"name":"欧阳思远","birth_date":"1997-05-30","domicile_address":"安徽省芜湖市镜湖区中山路120号7幢1单元101室"},"purpose":{"item_code":"11340200003010677X3442199806003","application_no":"A-2026-000123","operator":"window-7"}}"#;

fn person(catalog: &Catalog) -> &Dataset {
    catalog.get("natural-person").expect("a shipped dataset")
}

/// Every part.
pub(crate) fn all() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let catalog: &'static Catalog = Box::leak(Box::new(Catalog::load(None).expect("the shipped catalogue")));
    compared_cases(&mut cases, catalog);
    let dataset = person(catalog);
    cases.push((
        "parse/request".to_owned(),
        Box::new(|| {
            let text = simdutf8::basic::from_utf8(black_box(BODY.as_bytes())).expect("UTF-8");
            let body: VerificationBody<'_> = serde_json::from_str(text).expect("a request");
            black_box(&body);
        }),
    ));
    cases.push((
        "parse/subject".to_owned(),
        Box::new(move || {
            let subject = dataset.parse_subject(|_| Some(black_box("340207199705305213")));
            black_box(subject.is_ok());
        }),
    ));
    ledger_cases(&mut cases);
    access_cases(&mut cases);
    cases
}

fn compared_cases(cases: &mut Vec<Case>, catalog: &'static Catalog) {
    for (dataset, name, record, claims) in COMPARED {
        let dataset = catalog.get(dataset).expect("a shipped dataset");
        let number = dataset.field_number(name).expect("a field");
        let comparator = &dataset.field(number).expect("a field").comparator;
        // The first dataset is the one that most requests are about.
        let name = match &*dataset.name {
            "natural-person" => name.to_owned(),
            other => format!("{other}.{name}"),
        };
        cases.push((
            format!("canonical/{name}"),
            Box::new(move || drop(black_box(comparator.canonical(black_box(record))))),
        ));
        for (word, claim) in claims {
            let canonical = comparator.canonical(record);
            cases.push((
                format!("compare/{name}/{word}"),
                Box::new(move || {
                    black_box(comparator.compare(black_box(claim), black_box(&canonical)));
                }),
            ));
        }
    }
    for (kind, word, raw) in IDENTIFIERS {
        let parser = IdentifierKind::from_name(kind).expect("a kind");
        cases.push((
            format!("identifier/{kind}/{word}"),
            Box::new(move || {
                black_box(parser.parse(black_box(raw)).is_ok());
            }),
        ));
    }
}

/// An entry as a verification of three fields makes it.
fn entry_bytes() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    entry::begin(&mut bytes, EntryKind::Verification, 1_795_363_200_000_000, 4);
    let fields = [
        (0, Verdict::Match(MatchBasis::Exact)),
        (3, Verdict::Match(MatchBasis::Exact)),
        (5, Verdict::Mismatch),
    ];
    entry::put_item(
        &mut bytes,
        "natural-person@2",
        &[7; 16],
        3,
        Outcome::Mismatched,
        fields.into_iter(),
    );
    entry::end(&mut bytes, &[0; 96]);
    bytes
}

fn ledger_cases(cases: &mut Vec<Case>) {
    cases.push(("entry/encode".to_owned(), Box::new(|| drop(black_box(entry_bytes())))));
    let bytes = entry_bytes();
    cases.push((
        "entry/leaf_hash".to_owned(),
        Box::new(move || {
            black_box(leaf_hash(black_box(&bytes)));
        }),
    ));
    let sealer = PurposeSealer::new(1, &[1; 32], &[]).expect("a sealer");
    let mut sealed = Vec::with_capacity(256);
    cases.push((
        "entry/seal_purpose".to_owned(),
        Box::new(move || {
            sealed.clear();
            let plain = black_box(&BODY.as_bytes()[..70]);
            sealer
                .seal(plain, b"heyan ledger purpose v1", &mut sealed)
                .expect("sealed");
        }),
    ));
    let pseudonyms = Pseudonymizer::new(&[2; 32]);
    cases.push((
        "entry/pseudonym".to_owned(),
        Box::new(move || {
            black_box(pseudonyms.subject("natural-person", black_box(b"340207199705305213")));
        }),
    ));
    let folder = tempfile::tempdir().expect("a folder");
    let config = LedgerConfig {
        dir: folder.path().to_owned(),
        origin: "bench.heyan.local".to_owned(),
        segment_bytes: 16 << 20,
        seal_interval_ms: 100,
        signing_seed: [5; 32],
        group_bytes_max: 1 << 20,
        queue_max: 1 << 14,
        clock: std::sync::Arc::new(|| 1),
    };
    let ledger = Ledger::open(config).expect("a ledger");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime
        .block_on(ledger.append_many((0..10_000_u32).map(|n| n.to_be_bytes().to_vec()).collect()))
        .expect("entries");
    std::thread::sleep(Duration::from_millis(1_500));
    cases.push((
        "proof/receipt_of_10000".to_owned(),
        Box::new(move || {
            let _keep = &folder;
            drop(black_box(ledger.inclusion_proof(black_box(4_321)).expect("sealed")));
        }),
    ));
}

fn access_cases(cases: &mut Vec<Case>) {
    let kid = KeyId::parse("bench").expect("a key id");
    let signer = TokenSigner::new(&[3; 32], kid, "https://hub").expect("a signer");
    let verifier = TokenVerifier::new("https://hub", signer.verifying_key(), None).expect("a verifier");
    let claims = TokenClaims {
        client_id: "agency".to_owned(),
        role: "agency".to_owned(),
        agency: Some("agency".to_owned()),
        jti: "jti-0000000000000000".to_owned(),
        iat: 1_795_363_200,
        exp: 1_795_366_800,
        cnf: None,
    };
    let token = signer.issue(&claims);
    cases.push((
        "token/verify_first_time".to_owned(),
        Box::new(move || {
            black_box(verifier.verify(black_box(&token), 1_795_363_201).is_ok());
        }),
    ));
    cases.push((
        "access/unite_permissions".to_owned(),
        Box::new(|| {
            black_box(black_box(UsePermission::default()) | black_box(UsePermission::default()));
        }),
    ));
}
