//! `/log/**`: the ledger as a C2SP tlog-tiles log. Checkpoints and hash tiles are for everyone: they say nothing about
//! anyone. Entry bundles hold pseudonyms and are for auditors.

use actix_web::HttpResponse;

use crate::{
    call::{HandlerCall, open::OpenCall},
    problem::{ProblemCode, ProblemDocument},
};
use heyan_api as api;
use heyan_app::{foundation::error::AppError, node::hub::Hub};
use heyan_ledger::{LedgerError, tile::TilePath};
use heyan_ports::nodes::CosignedRow;
use heyan_ports::time;

/// `GET /log/checkpoint`.
#[utoipa::path(
    get, path = "/log/checkpoint", operation_id = "get_checkpoint", tag = "ledger",
    responses((status = 200, body = String, content_type = "text/plain")),
)]
pub(crate) async fn checkpoint(call: OpenCall) -> Result<HttpResponse, ProblemDocument> {
    let checkpoint = call.hub().ledger.checkpoint();
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header(("cache-control", "no-cache"))
        .body(checkpoint))
}

/// `GET /log/cosigned`: the newest checkpoints that other nodes have countersigned, of every node's ledger.
#[utoipa::path(
    get, path = "/log/cosigned", operation_id = "get_cosigned", tag = "ledger",
    responses((status = 200, body = api::Cosigned)),
)]
pub(crate) async fn cosigned(call: OpenCall) -> Result<HttpResponse, ProblemDocument> {
    // Unauthenticated route: answer from memory, never query the store.
    let rows = call.hub().node.peers.cosigned();
    let row = |row: &CosignedRow| api::CosignedCheckpoint {
        origin: row.origin.clone(),
        key: call.hub().node.peers.key_of(&row.origin).map(|key| key.to_string()),
        witness: row.witness.clone(),
        witness_key: row.witness_key.clone(),
        checkpoint: row.checkpoint.clone(),
        at: time::rfc3339(row.at),
    };
    Ok(HttpResponse::Ok()
        .insert_header(("cache-control", "no-cache"))
        .json(api::Cosigned {
            checkpoints: rows.iter().map(row).collect(),
        }))
}

/// `GET /log/key`: the public key in C2SP signed-note form.
#[utoipa::path(
    get, path = "/log/key", operation_id = "get_log_key", tag = "ledger",
    responses((status = 200, body = String, content_type = "text/plain")),
)]
pub(crate) async fn key(call: OpenCall) -> Result<HttpResponse, ProblemDocument> {
    let key = format!("{}\n", call.hub().ledger.vkey());
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(key))
}

/// `GET /log/tile/{level}/{path}`.
#[utoipa::path(
    get, path = "/log/tile/{level}/{path}", operation_id = "get_tile", tag = "ledger",
    params(("level" = u8, Path), ("path" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")),
)]
pub(crate) async fn tile(call: OpenCall) -> Result<HttpResponse, ProblemDocument> {
    let path = format!(
        "tile/{}/{}",
        call.request.match_info().query("level"),
        call.request.match_info().query("path")
    );
    // A tile of a given width never changes, C2SP tlog-tiles.
    tile_of(call.hub(), &path, "public, max-age=31536000, immutable")
}

/// `GET /log/tile/entries/{path}`.
#[utoipa::path(
    get, path = "/log/tile/entries/{path}", operation_id = "get_entries", tag = "ledger",
    params(("path" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")),
)]
pub(crate) async fn entries(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let path = format!("tile/entries/{}", call.path("path"));
    tile_of(call.hub(), &path, "no-store")
}

fn tile_of(hub: &Hub, path: &str, caching: &'static str) -> Result<HttpResponse, ProblemDocument> {
    let missing = || ProblemDocument::new(ProblemCode::TileNotFound);
    let read = match TilePath::parse(path).map_err(|_no_path| missing())? {
        TilePath::Hashes { level, n, width } => hub.ledger.tile(level, n, width),
        TilePath::Entries { n, width } => hub.ledger.entry_bundle(n, width),
    };
    let bytes = match read {
        Err(LedgerError::NotFound) => return Err(missing()),
        read => read.map_err(AppError::from)?,
    };
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header(("cache-control", caching))
        .body(bytes))
}
