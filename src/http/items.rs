//! `/v1/items`: service items come in, one as JSON or many as NDJSON, and are read back; and which of them still demand on paper what
//! the hub can verify. Items are public: nothing here is about a person.

use actix_web::HttpResponse;
use serde_json::json;

use super::{
    access::change,
    call::HandlerCall,
    extract::{self, MediaType},
    intake::{self, IntakeTally, LineIntake},
    lines::LineBlock,
    page,
    problem::{ProblemCode, ProblemDocument},
    reply::{entry_note, ok},
    state::WorkerState,
    strict,
    verifications::query,
};
use heyan_api as api;
use heyan_app::foundation::error::{AppError, MissingThing};
use heyan_app::items::{self, ItemRegistration, PaperDemand, PutAnswer, PutResult};
use heyan_app::node::caller::Caller;
use heyan_catalog::item::{ItemSpec, ServiceItem};

/// Reads one item. Its maps are read twice: a member that stands in one twice is a mistake, and a map would keep the last.
fn read(bytes: &[u8]) -> Result<ItemSpec, ProblemDocument> {
    let _strict = strict::parse(bytes)?;
    extract::parse(bytes)
}

/// `PUT /v1/items`.
#[utoipa::path(
    put, path = "/v1/items", operation_id = "put_items", tag = "item",
    params(("Accept-Language" = Option<String>, Header)),
    request_body(content((api::ServiceItem = "application/json"), (String = "application/x-ndjson"))),
    responses((status = 200, content((api::ItemStored = "application/json"), (String = "application/x-ndjson")))),
)]
pub(super) async fn put(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    match extract::media_type(&call.request)? {
        MediaType::Json => put_one(&mut call).await,
        MediaType::Ndjson => Ok(intake::begin(call, OfItems)),
        MediaType::Form => Err(ProblemDocument::new(ProblemCode::UnsupportedMediaType)),
    }
}

async fn put_one(call: &mut HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let spec = read(&bytes)?;
    let code = spec.code.clone();
    let (state, caller) = (call.state.clone(), call.caller.clone());
    let answer = change(async move { items::put(&state.hub, &caller, vec![Ok(spec)]).await }).await?;
    let PutAnswer { results, appended } = answer;
    let decided = results.into_iter().next();
    let (registered, version) = decided.unwrap_or(Err(AppError::Internal("an item was left undecided")))?;
    if appended.is_some() {
        call.entered();
    }
    Ok(ok(&api::ItemStored {
        status: registered.as_str().into(),
        code,
        version,
        receipt: appended.map(|appended| entry_note(&call.state, &appended)),
    }))
}

/// A line that was read, with its number in the body, and the code that it names.
struct CataloguedLine {
    number: u64,
    code: Option<String>,
    spec: Result<ItemSpec, ProblemDocument>,
}

/// Takes service items in.
struct OfItems;

impl LineIntake for OfItems {
    const OPERATION: &'static str = "put_items";

    async fn take(
        &mut self,
        tally: &mut IntakeTally,
        state: &WorkerState,
        caller: &Caller,
        block: LineBlock,
    ) -> Result<Vec<u8>, ProblemDocument> {
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

fn read_lines(tally: &mut IntakeTally, block: LineBlock) -> Vec<CataloguedLine> {
    let LineBlock::Lines(block) = block else {
        tally.line += 1;
        return vec![CataloguedLine {
            number: tally.line,
            code: None,
            spec: Err(ProblemDocument::new(ProblemCode::BodyTooLarge)),
        }];
    };
    let mut lines = Vec::new();
    for line in block.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        tally.line += 1;
        if !line.is_empty() {
            let spec = read(line);
            lines.push(CataloguedLine {
                number: tally.line,
                code: spec.as_ref().ok().map(|spec| spec.code.clone()),
                spec,
            });
        }
    }
    lines
}

async fn put_lines(
    tally: &mut IntakeTally,
    state: &WorkerState,
    caller: &Caller,
    lines: Vec<CataloguedLine>,
    out: &mut Vec<u8>,
) -> Result<(), ProblemDocument> {
    let (mut told, mut specs) = (Vec::with_capacity(lines.len()), Vec::with_capacity(lines.len()));
    for CataloguedLine { number, code, spec } in lines {
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
        tally.receipt = json!(entry_note(state, &appended));
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
    tally: &mut IntakeTally,
    number: u64,
    code: Option<String>,
    result: Result<(ItemRegistration, u32), ProblemDocument>,
    out: &mut Vec<u8>,
) {
    let (word, line) = match result {
        Ok((registered, version)) => {
            let line = api::ItemLine {
                line: number,
                status: registered.as_str().into(),
                code: code.unwrap_or_default(),
                version,
            };
            (registered.as_str(), json!(line))
        }
        Err(problem) => ("rejected", tally.problem_line(number, &problem)),
    };
    tally.count(word);
    out.extend_from_slice(format!("{line}\n").as_bytes());
}

fn next(results: &mut impl Iterator<Item = PutResult>) -> Result<(ItemRegistration, u32), ProblemDocument> {
    let result = results.next();
    Ok(result.unwrap_or(Err(AppError::Internal("an item was left undecided")))?)
}

/// `GET /v1/items`.
#[utoipa::path(
    get, path = "/v1/items", operation_id = "list_items", tag = "item",
    params(("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = api::ServiceItems)),
)]
pub(super) async fn list(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let paging: page::PageRequest = query(&call)?;
    let items = call.hub().materials.items.load_full();
    let rows = items.iter().map(|item| (item.spec.code.as_str(), || summary(item)));
    let (items, next_cursor) = paging.cut(rows)?;
    Ok(ok(&api::ServiceItems { items, next_cursor }))
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// An item in a list: without what its materials are, but with how many there are.
fn summary(item: &ServiceItem) -> api::ItemSummary {
    let spec = &item.spec;
    api::ItemSummary {
        code: spec.code.clone(),
        name: spec.name.clone(),
        name_en: spec.name_en.clone(),
        kind: spec.kind.clone(),
        list: spec.list.as_str().into(),
        agency_code: spec.agency_code.clone(),
        agency_name: spec.agency_name.clone(),
        version: spec.version,
        materials: item.materials.as_ref().map(|materials| number(materials.len())),
    }
}

/// `GET /v1/items/{code}`.
#[utoipa::path(
    get, path = "/v1/items/{code}", operation_id = "get_item", tag = "item",
    params(("code" = String, Path)),
    responses((status = 200, body = api::ServiceItem)),
)]
pub(super) async fn get(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let item = call.hub().materials.items.load().get(&call.path("code"));
    let item = item.ok_or(AppError::NotFound(MissingThing::Item))?;
    Ok(ok(&item.spec))
}

/// `GET /v1/items/report`.
#[utoipa::path(
    get, path = "/v1/items/report", operation_id = "report_items", tag = "item",
    params(("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = api::ItemReport)),
)]
pub(super) async fn report(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let paging: page::PageRequest = query(&call)?;
    let report = items::report(&call.hub().materials.items.load());
    // A blank stands in no code, so a page ends between two materials and never inside a name.
    let key = |demand: &PaperDemand| format!("{} {}", demand.item.spec.code, demand.material);
    let keyed: Vec<(String, &PaperDemand)> = report.demanded.iter().map(|demand| (key(demand), demand)).collect();
    let rows = keyed
        .iter()
        .map(|(key, demand)| (key.as_str(), || paper_demand(demand)));
    let (demanded_on_paper, next_cursor) = paging.cut(rows)?;
    Ok(ok(&api::ItemReport {
        items: number(report.items),
        items_known: number(report.known),
        materials_verifiable: number(report.verifiable),
        materials_not_verifiable: number(report.not_verifiable),
        materials_not_mapped: number(report.not_mapped),
        demanded_on_paper,
        next_cursor,
    }))
}

fn paper_demand(demand: &PaperDemand) -> api::PaperDemand {
    let spec = &demand.item.spec;
    api::PaperDemand {
        item_code: spec.code.clone(),
        item_name: spec.name.clone(),
        agency_code: spec.agency_code.clone(),
        agency_name: spec.agency_name.clone(),
        material: demand.material.clone(),
        name: demand.name.clone(),
        why: demand.why.as_str().into(),
        dataset: demand.dataset.to_string(),
        as_in: demand.as_in.clone(),
    }
}
