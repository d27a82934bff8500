//! What nobody can do without, to hold the hub against: a bare HTTP server that reads a body and answers a constant
//! of a given size; for batches and streams, one that also parses the questions and writes as many answers.
//! It must stay as bare as this: a ratio against a floor that does more would flatter the hub.

use std::{path::PathBuf, time::Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context;
use serde::Deserialize;

use heyan_app::verification::question::{AskedPurposeElements, ItemBody};
use heyan_server::process::say;

/// `heyan bench-floor`.
#[derive(clap::Args)]
pub struct FloorArgs {
    /// Bytes of an answer
    #[arg(long, default_value_t = 400)]
    bytes: usize,
    /// Worker threads; 0: one a core
    #[arg(long, default_value_t = 0)]
    workers: usize,
    /// Parse each body as a batch, and write an answer of so many bytes to each of its items
    #[arg(long)]
    items: bool,
    /// No server: parse the lines of this file on one thread, write an answer of so many bytes to each, tell lines a second
    #[arg(long, value_name = "FILE")]
    lines: Option<PathBuf>,
}

#[derive(Deserialize)]
struct FloorBatch<'a> {
    #[serde(borrow)]
    purpose: AskedPurposeElements<'a>,
    #[serde(borrow)]
    items: Vec<ItemBody<'a>>,
}

/// Listens on a free loopback port, tells its address, and serves until it is ended.
///
/// # Errors
/// It cannot listen.
pub async fn run(args: FloorArgs) -> anyhow::Result<()> {
    if let Some(file) = &args.lines {
        return lines(file, args.bytes);
    }
    let answer = web::Bytes::from(vec![b'x'; args.bytes]);
    let workers = match args.workers {
        0 => std::thread::available_parallelism()?.get(),
        workers => workers,
    };
    let server = HttpServer::new(move || {
        let answer = answer.clone();
        App::new()
            .default_service(web::to(move |body: web::Bytes| {
                let answer = answer.clone();
                async move {
                    let json = match args.items {
                        true => items(&body, &answer).into(),
                        false => answer,
                    };
                    std::hint::black_box(&body);
                    HttpResponse::Ok().content_type("application/json").body(json)
                }
            }))
            .app_data(web::PayloadConfig::new(BODY_BYTES_MAX))
    })
    .workers(workers)
    .bind(("127.0.0.1", 0))?;
    for address in server.addrs() {
        say(format_args!("http://{address}"));
    }
    server.run().await?;
    Ok(())
}

/// Longest body that is read.
const BODY_BYTES_MAX: usize = 64 << 20;

/// Parses a batch as the hub's own types say, and writes an answer for each item; nothing for what is no batch.
fn items(body: &[u8], answer: &[u8]) -> Vec<u8> {
    let Ok(batch) = parse::<FloorBatch<'_>>(body) else {
        return Vec::new();
    };
    std::hint::black_box(&*batch.purpose.item_code);
    let mut out = Vec::with_capacity(batch.items.len() * answer.len());
    for item in &batch.items {
        write(&mut out, item, answer);
    }
    out
}

/// Parses by the fastest way that the hub has.
fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> anyhow::Result<T> {
    Ok(serde_json::from_str(simdutf8::basic::from_utf8(bytes)?)?)
}

/// An answer of the size of `answer` that names the item.
fn write(out: &mut Vec<u8>, item: &ItemBody<'_>, answer: &[u8]) {
    std::hint::black_box(&item.claims.0);
    out.extend_from_slice(item.reference.as_bytes());
    out.extend_from_slice(answer.get(item.reference.len()..).unwrap_or_default());
}

fn lines(file: &std::path::Path, bytes: usize) -> anyhow::Result<()> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let (answer, mut out, mut count) = (vec![b'x'; bytes], Vec::with_capacity(1 << 20), 0_u32);
    let begun = Instant::now();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let item: ItemBody<'_> = parse(line)?;
        write(&mut out, &item, &answer);
        count += 1;
        if out.len() > 1 << 19 {
            std::hint::black_box(&out);
            out.clear();
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    say(format_args!("{:.0}", f64::from(count) / seconds));
    Ok(())
}
