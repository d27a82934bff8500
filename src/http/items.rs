//! `/v1/items`: service items come in, one as JSON or many as NDJSON, and are read back; and which of them still demand on paper what
//! the hub can verify. Items are public: nothing here is about a person.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::{
    access::change,
    call::Call,
    extract::{self, MediaType},
    intake::{self, Intake, Tally},
    lines::Block,
    openapi::shapes,
    page,
    problem::{Problem, ProblemCode},
    reply::ok,
    state::State,
    strict,
    verifications::{NO_STORE, query},
};
use heyan_app::foundation::error::{AppError, Thing};
use heyan_app::items::{self, PaperDemand, PutAnswer, PutResult, Registered};
use heyan_app::node::caller::Caller;
use heyan_catalog::item::{ItemSpec, ServiceItem};
use heyan_ledger::Appended;

/// Reads one item. Its maps are read twice: a member that stands in one twice is a mistake, and a map would keep the last.
fn read(bytes: &[u8]) -> Result<ItemSpec, Problem> {
    let _strict = strict::parse(bytes)?;
    extract::parse(bytes)
}

/// `PUT /v1/items`.
#[utoipa::path(
    put, path = "/v1/items", operation_id = "put_items", tag = "item",
    params(("Accept-Language" = Option<String>, Header)),
    request_body(content((shapes::ServiceItem = "application/json"), (String = "application/x-ndjson"))),
    responses((status = 200, content((shapes::ItemStored = "application/json"), (String = "application/x-ndjson")))),
)]
pub(super) async fn put(mut call: Call) -> Result<HttpResponse, Problem> {
    match extract::media_type(&call.request)? {
        MediaType::Json => put_one(&mut call).await,
        MediaType::Ndjson => Ok(intake::begin(call, OfItems)),
        MediaType::Form => Err(Problem::new(ProblemCode::UnsupportedMediaType)),
    }
}

async fn put_one(call: &mut Call) -> Result<HttpResponse, Problem> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let spec = read(&bytes)?;
    let code = spec.code.clone();
    let (state, caller) = (call.state.clone(), call.caller.clone());
    let answer = change(async move { items::put(&state.hub, &caller, vec![Ok(spec)]).await }).await?;
    let PutAnswer { results, appended } = answer;
    let decided = results.into_iter().next();
    let (registered, version) = decided.unwrap_or(Err(AppError::Internal("an item was left undecided")))?;
    let mut body = json!({"status": registered.as_str(), "code": code, "version": version});
    if let (Some(appended), Some(members)) = (appended, body.as_object_mut()) {
        call.entered();
        members.insert("receipt".to_owned(), receipt(&call.state, &appended));
    }
    Ok(ok(&body))
}

fn receipt(state: &State, appended: &Appended) -> Value {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let leaf = STANDARD.encode(appended.leaf);
    json!({"origin": state.hub.node.settings.origin, "index": appended.index, "leaf": leaf})
}

/// A line that was read, with its number in the body, and the code that it names.
struct Line {
    number: u64,
    code: Option<String>,
    spec: Result<ItemSpec, Problem>,
}

/// Takes service items in.
struct OfItems;

impl Intake for OfItems {
    const OPERATION: &'static str = "put_items";

    async fn take(
        &mut self,
        tally: &mut Tally,
        state: &State,
        caller: &Caller,
        block: Block,
    ) -> Result<Vec<u8>, Problem> {
        let mut read = read_lines(tally, block);
        let mut out = Vec::with_capacity(read.len() * 64);
        while !read.is_empty() {
            let rest = read.split_off(read.len().min(items::CHUNK_MAX));
            let chunk = std::mem::replace(&mut read, rest);
            put_lines(tally, state, caller, chunk, &mut out).await?;
        }
        Ok(out)
    }
}

fn read_lines(tally: &mut Tally, block: Block) -> Vec<Line> {
    let Block::Lines(block) = block else {
        tally.line += 1;
        return vec![Line {
            number: tally.line,
            code: None,
            spec: Err(Problem::new(ProblemCode::BodyTooLarge)),
        }];
    };
    let mut lines = Vec::new();
    for line in block.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        tally.line += 1;
        if !line.is_empty() {
            let spec = read(line);
            lines.push(Line {
                number: tally.line,
                code: spec.as_ref().ok().map(|spec| spec.code.clone()),
                spec,
            });
        }
    }
    lines
}

async fn put_lines(
    tally: &mut Tally,
    state: &State,
    caller: &Caller,
    lines: Vec<Line>,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    let (mut told, mut specs) = (Vec::with_capacity(lines.len()), Vec::with_capacity(lines.len()));
    for Line { number, code, spec } in lines {
        match spec {
            Ok(spec) => {
                specs.push(Ok(spec));
                told.push((number, code, None));
            }
            Err(problem) => told.push((number, code, Some(problem))),
        }
    }
    let PutAnswer { results, appended } = items::put(&state.hub, caller, specs).await?;
    if let Some(appended) = appended {
        tally.receipt = receipt(state, &appended);
    }
    let mut results = results.into_iter();
    for (number, code, problem) in told {
        let result = match problem {
            Some(problem) => Err(problem),
            None => next(&mut results),
        };
        tell(tally, number, code, result, out);
    }
    Ok(())
}

fn tell(
    tally: &mut Tally,
    number: u64,
    code: Option<String>,
    result: Result<(Registered, u32), Problem>,
    out: &mut Vec<u8>,
) {
    let (word, line) = match result {
        Ok((registered, version)) => {
            let word = registered.as_str();
            (
                word,
                json!({"line": number, "status": word, "code": code, "version": version}),
            )
        }
        Err(problem) => (
            "rejected",
            json!({"line": number, "problem": problem.to_value(tally.locale)}),
        ),
    };
    tally.count(word);
    out.extend_from_slice(format!("{line}\n").as_bytes());
}

fn next(results: &mut impl Iterator<Item = PutResult>) -> Result<(Registered, u32), Problem> {
    let result = results.next();
    Ok(result.unwrap_or(Err(AppError::Internal("an item was left undecided")))?)
}

/// `GET /v1/items`.
#[utoipa::path(
    get, path = "/v1/items", operation_id = "list_items", tag = "item",
    params(("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = shapes::ServiceItems)),
)]
pub(super) async fn list(call: Call) -> Result<HttpResponse, Problem> {
    let paging: page::Paging = query(&call)?;
    let items = call.hub().materials.items.load_full();
    let rows = items.iter().map(|item| (item.spec.code.as_str(), || summary(item)));
    let (items, next_cursor) = paging.cut(rows)?;
    Ok(ok(&json!({"items": items, "next_cursor": next_cursor})))
}

/// An item in a list: without what its materials are, but with how many there are.
fn summary(item: &ServiceItem) -> Value {
    let spec = &item.spec;
    json!({
        "code": spec.code,
        "name": spec.name,
        "name_en": spec.name_en,
        "kind": spec.kind,
        "list": spec.list,
        "agency_code": spec.agency_code,
        "agency_name": spec.agency_name,
        "version": spec.version,
        "materials": item.materials.as_ref().map(|materials| materials.len()),
    })
}

/// `GET /v1/items/{code}`.
#[utoipa::path(
    get, path = "/v1/items/{code}", operation_id = "get_item", tag = "item",
    params(("code" = String, Path)),
    responses((status = 200, body = shapes::ServiceItem)),
)]
pub(super) async fn get(call: Call) -> Result<HttpResponse, Problem> {
    let item = call.hub().materials.items.load().get(&call.path("code"));
    let item = item.ok_or(AppError::NotFound(Thing::Item))?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(&item.spec))
}

/// `GET /v1/items/report`.
#[utoipa::path(
    get, path = "/v1/items/report", operation_id = "report_items", tag = "item",
    params(("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = shapes::ItemReport)),
)]
pub(super) async fn report(call: Call) -> Result<HttpResponse, Problem> {
    let paging: page::Paging = query(&call)?;
    let report = items::report(&call.hub().materials.items.load());
    // A blank stands in no code, so a page ends between two materials and never inside a name.
    let key = |demand: &PaperDemand| format!("{} {}", demand.item.spec.code, demand.material);
    let keyed: Vec<(String, &PaperDemand)> = report.demanded.iter().map(|demand| (key(demand), demand)).collect();
    let rows = keyed.iter().map(|(key, demand)| (key.as_str(), || demand_json(demand)));
    let (demanded, next_cursor) = paging.cut(rows)?;
    Ok(ok(&json!({
        "items": report.items,
        "items_known": report.known,
        "materials_verifiable": report.verifiable,
        "materials_not_verifiable": report.not_verifiable,
        "materials_not_mapped": report.not_mapped,
        "demanded_on_paper": demanded,
        "next_cursor": next_cursor,
    })))
}

fn demand_json(demand: &PaperDemand) -> Value {
    let spec = &demand.item.spec;
    json!({
        "item_code": spec.code,
        "item_name": spec.name,
        "agency_code": spec.agency_code,
        "agency_name": spec.agency_name,
        "material": demand.material,
        "name": demand.name,
        "why": demand.why.as_str(),
        "dataset": &*demand.dataset,
        "as_in": demand.as_in,
    })
}
