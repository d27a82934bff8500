//! Makes the document whole: texts, roles, credentials, refusals and examples, each from the one place that knows it.
//! What the handlers state is kept; nothing here names a path or a shape of its own.

use serde_json::{Map, Value, json};

use super::{BETWEEN, examples, notes, parameters, shapes, tolerance, webhooks, words};
use crate::{
    docs,
    locale::{Text, text},
    problem::{self, ProblemCode},
    routes::{LedgerRow, ROUTES, Route},
};

const TITLE: Text = text!("heyan 核验" => "heyan 核验");
const ABOUT: Text = text!(
    "城市核验交换枢纽：业务系统逐字段核验申报材料，每个答复都附可离线验证的存证回执。\n\n- 除公开接口外，均须 `Authorization: Bearer` 令牌，由 `/oauth/token` 签发，10 分钟有效。\n- 每个答复（含拒绝）在发出前已写入存证日志。\n- 请求体为严格 JSON：重名成员、未知成员、超出精确范围的数一律拒绝。长度上限按 UTF-8 字节计。\n- 错误一律为[问题文档](/problems) `application/problem+json`，请按 `code` 编程。\n- 答复可能增加成员与用词：客户端必须接受未知的成员与未知的词。未知的 `outcome` 按 `review` 处理，未知的 `verdict` 按未得出结论处理。现有用词列于 `x-extensible-enum`。\n- 推送给订阅方的消息见 `webhooks`。"
    => "A city's verification exchange hub: business systems verify what applicants claim, field by field, and every answer has a receipt that can be proven offline.\n\n- Except where open to everyone, operations need an `Authorization: Bearer` token from `/oauth/token`, good for 10 minutes.\n- Every answer, refusals included, is in the ledger before it leaves.\n- Bodies are strict JSON: a member twice, an unknown member or a number that cannot be exact is refused. Lengths are limits of UTF-8 bytes.\n- Every error is a [problem document](/problems), `application/problem+json`; program against its `code`.\n- Answers may grow: a client must accept unknown members and unknown words. Treat an unknown `outcome` as `review` and an unknown `verdict` as not decided. The words of today are listed in `x-extensible-enum`.\n- Messages that are pushed to subscribers are in `webhooks`."
);

const TAGS: [(&str, Text, Text); 15] = [
    (
        "verification",
        text!("核验" => "Verification"),
        text!("比对申报值，取说明与回执。" => "Compare claims, explain answers, get receipts."),
    ),
    (
        "catalogue",
        text!("数据资源与记录" => "Datasets and records"),
        text!("目录、报送与查询。" => "The catalogue, contributing and reading."),
    ),
    (
        "item",
        text!("政务服务事项" => "Service items"),
        text!("一次核验全部材料，一次性告知。" => "All materials of a matter at once, and the one-time notice."),
    ),
    (
        "licence",
        text!("电子证照" => "Licences"),
        text!("验证证照文件，按持证主体查询。" => "Verify a licence's file, or find a licence by its holder."),
    ),
    (
        "mismatch",
        text!("差异" => "Mismatches"),
        text!("从不一致到更正后的记录。" => "From a mismatch to a corrected record."),
    ),
    (
        "case",
        text!("联办" => "Joint handling"),
        text!("牵头机构核验一次，协办机构复用。" => "The lead verifies once; the others use it again."),
    ),
    (
        "watch",
        text!("关注" => "Watches"),
        text!("结论改变时告知。" => "Told when a verdict would change."),
    ),
    (
        "push",
        text!("推送" => "Push"),
        text!("订阅、投递与重投。" => "Subscriptions, deliveries and replays."),
    ),
    (
        "webhook",
        text!("推送消息" => "Pushed messages"),
        text!("系统发往订阅方。" => "Sent by the hub to subscribers."),
    ),
    (
        "supervision",
        text!("监察" => "Supervision"),
        text!("需人查看的情况。" => "What a person should look at."),
    ),
    (
        "trace",
        text!("查询留痕" => "Traces"),
        text!("谁查过、何时、为何事、答复如何。" => "Who looked, when, for what, and what was told."),
    ),
    (
        "access",
        text!("机构、授权与用户" => "Agencies, grants and users"),
        text!("由管理人员办理；密钥只显示一次。" => "For managers; a secret is shown once."),
    ),
    (
        "token",
        text!("令牌" => "Tokens"),
        text!("OAuth 2.0 客户端凭据。" => "OAuth 2.0 client credentials."),
    ),
    (
        "ledger",
        text!("存证日志" => "Ledger"),
        text!("C2SP tlog-tiles 格式，供任何人查验。" => "C2SP tlog-tiles, for anyone to check."),
    ),
    (
        "pages",
        text!("文档页面" => "Pages"),
        text!("供人阅读，两种语言。" => "For people, in both languages."),
    ),
];

/// What every route of a known caller may answer with.
const KNOWN: &[ProblemCode] = &[
    ProblemCode::Unauthenticated,
    ProblemCode::InvalidToken,
    ProblemCode::TokenExpired,
    ProblemCode::NetworkNotAllowed,
    ProblemCode::AgencyDisabled,
    ProblemCode::Internal,
    ProblemCode::LedgerUnavailable,
    ProblemCode::Overloaded,
];

/// Completes what the handlers state.
pub(super) fn complete(stated: Value) -> Value {
    let mut document = Map::new();
    document.insert("openapi".to_owned(), stated.get("openapi").cloned().unwrap_or_default());
    document.insert("info".to_owned(), info());
    document.insert("servers".to_owned(), json!([{"url": "/"}]));
    document.insert("tags".to_owned(), TAGS.iter().map(tag).collect());
    document.insert("security".to_owned(), json!([{"bearer": []}]));
    document.insert("paths".to_owned(), paths(&stated));
    document.insert("webhooks".to_owned(), webhooks::section());
    document.insert("components".to_owned(), components(&stated));
    let mut document = Value::Object(document);
    split_texts(&mut document);
    tolerance::open_answers(&mut document);
    let samples: Vec<_> = ROUTES
        .iter()
        .map(|route| docs::curl_line(&document, route.operation))
        .collect();
    for (route, sample) in ROUTES.iter().zip(samples) {
        if let (Some(operation), Some(line)) = (operation_mut(&mut document, route), sample) {
            let sample = json!([{"lang": "Shell", "label": "curl", "source": line}]);
            operation.insert("x-codeSamples".to_owned(), sample);
        }
    }
    document
}

/// The path of a route as OpenAPI writes it: without the pattern of a tail.
pub(super) fn template(route: &Route) -> String {
    route.path.replace(":.*}", "}")
}

fn operation_mut<'d>(document: &'d mut Value, route: &Route) -> Option<&'d mut Map<String, Value>> {
    let path = document.get_mut("paths")?.get_mut(template(route))?;
    path.get_mut(route.method.to_ascii_lowercase())?.as_object_mut()
}

fn put_text(node: &mut Map<String, Value>, name: &str, text: &Text) {
    node.insert(name.to_owned(), text.en.into());
    node.insert(format!("x-zh-{name}"), text.zh.into());
}

fn info() -> Value {
    let mut info = Map::new();
    put_text(&mut info, "title", &TITLE);
    info.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
    put_text(&mut info, "description", &ABOUT);
    let contact = json!({"name": "The bureau that operates this hub", "x-zh-name": "本系统的运维单位"});
    info.insert("contact".to_owned(), contact);
    info.insert(
        "license".to_owned(),
        json!({"name": "Apache-2.0", "identifier": "Apache-2.0"}),
    );
    Value::Object(info)
}

fn tag((name, title, text): &(&str, Text, Text)) -> Value {
    let mut tag = Map::new();
    tag.insert("name".to_owned(), (*name).into());
    tag.insert("x-displayName".to_owned(), title.en.into());
    tag.insert("x-zh-name".to_owned(), title.zh.into());
    put_text(&mut tag, "description", text);
    Value::Object(tag)
}

/// Paths in the order of the route table; a stated operation without a row is left out, and a test finds it.
fn paths(stated: &Value) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let method = route.method.to_ascii_lowercase();
        let stated = stated
            .get("paths")
            .and_then(|paths| paths.get(template(route))?.get(&method));
        let Some(stated) = stated else { continue };
        let item = paths.entry(template(route)).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(method, operation(route, stated));
        }
    }
    Value::Object(paths)
}

fn operation(route: &Route, stated: &Value) -> Value {
    let part = |name: &str| stated.get(name).cloned();
    let note = notes::all().find(|note| note.operation == route.operation);
    let mut whole = Map::new();
    whole.insert("operationId".to_owned(), part("operationId").unwrap_or_default());
    whole.insert("tags".to_owned(), part("tags").unwrap_or_default());
    if let Some(note) = note {
        put_text(&mut whole, "summary", &note.summary);
        put_text(&mut whole, "description", &note.description);
    }
    if route.ledger == LedgerRow::Open {
        let scheme = if route.operation == "issue_token" {
            json!([{"basic": []}])
        } else {
            json!([])
        };
        whole.insert("security".to_owned(), scheme);
    } else {
        let roles: Vec<&str> = route.roles.iter().map(|role| role.as_str()).collect();
        whole.insert("x-roles".to_owned(), roles.into());
    }
    if let Some(Value::Array(list)) = part("parameters") {
        let list = list.into_iter().map(|parameter| describe_parameter(route, parameter));
        whole.insert("parameters".to_owned(), list.collect());
    }
    if let Some(body) = part("requestBody") {
        whole.insert("requestBody".to_owned(), request_body(route, body));
    }
    let answers = part("responses").unwrap_or_default();
    whole.insert("responses".to_owned(), responses(route, note, answers));
    Value::Object(whole)
}

fn describe_parameter(route: &Route, stated: Value) -> Value {
    let text = |name: &str| stated.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let known = parameters::parameter(route.operation, &text("name"));
    let (Some(known), Value::Object(mut parameter)) = (known, stated) else {
        return Value::Null;
    };
    parameter.insert("description".to_owned(), known.text.into());
    parameter.insert("schema".to_owned(), known.schema);
    if let Some(example) = known.example {
        parameter.insert("example".to_owned(), example);
    }
    Value::Object(parameter)
}

fn request_body(route: &Route, mut body: Value) -> Value {
    let examples = examples::requests(route.operation);
    if let Some(content) = body.get_mut("content").and_then(Value::as_object_mut) {
        for (media, node) in content {
            let Some(node) = node.as_object_mut() else { continue };
            note_lines(route, media, "request", node);
            let mut named = Map::new();
            for example in examples.iter().filter(|example| example.media == media) {
                let mut told = Map::new();
                put_text(&mut told, "summary", &example.title);
                told.insert("value".to_owned(), example.value.clone());
                named.insert(example.name.to_owned(), Value::Object(told));
            }
            if !named.is_empty() {
                node.insert("examples".to_owned(), Value::Object(named));
            }
        }
    }
    body
}

/// What one line of an NDJSON body is: OpenAPI 3.1 has no keyword for it.
fn note_lines(route: &Route, media: &str, place: &str, node: &mut Map<String, Value>) {
    let names: &[&str] = match (media, route.operation, place) {
        ("application/x-ndjson", "verify_stream", "request") => &["StreamHeader", "Item"],
        ("application/x-ndjson", "verify_stream", _) => &["ItemAnswer", "ItemProblem", "StreamEnd"],
        ("application/x-ndjson", "put_items", "request") => &["ServiceItem"],
        ("application/x-ndjson", "put_items", _) => &["ItemLine", "RecordLineProblem", "RecordsEnd"],
        ("application/x-ndjson", "query_trace", _) => &["TraceRow", "TraceEnd"],
        ("application/x-ndjson", _, "request") => &["Record"],
        ("application/x-ndjson", _, _) => &["RecordLine", "RecordLineProblem", "RecordsEnd"],
        _ => return,
    };
    let lines: Vec<Value> = names
        .iter()
        .map(|name| json!({"$ref": format!("#/components/schemas/{name}")}))
        .collect();
    node.insert("x-line-schemas".to_owned(), lines.into());
}

fn responses(route: &Route, note: Option<&notes::Note>, stated: Value) -> Value {
    let mut by_status: Vec<(String, Value)> = match stated {
        Value::Object(stated) => stated.into_iter().collect(),
        _ => Vec::new(),
    };
    for (status, response) in &mut by_status {
        let Some(response) = response.as_object_mut() else {
            continue;
        };
        match (status.as_str(), note) {
            ("202", _) => put_text(response, "description", &PENDING),
            (_, Some(note)) => put_text(response, "description", &note.answer),
            _ => {}
        }
        if let Some(headers) = response.get_mut("headers").and_then(Value::as_object_mut) {
            for (name, header) in headers {
                *header = json!({"$ref": format!("#/components/headers/{name}")});
            }
        }
        answer_bodies(route, response);
    }
    for (status, codes) in refusals(route, note) {
        let status = status.to_string();
        let bodies = by_status
            .iter()
            .position(|(known, _)| *known == status)
            .map(|position| by_status.swap_remove(position).1);
        by_status.push((status.clone(), refusal(&status, &codes, bodies.as_ref())));
    }
    by_status.sort_by(|(one, _), (two, _)| one.cmp(two));
    Value::Object(by_status.into_iter().collect())
}

fn answer_bodies(route: &Route, response: &mut Map<String, Value>) {
    let Some(content) = response.get_mut("content").and_then(Value::as_object_mut) else {
        return;
    };
    for (media, node) in content {
        let Some(node) = node.as_object_mut() else { continue };
        if media == "application/octet-stream" {
            // Bytes have no JSON Schema; OpenAPI 3.1 leaves it out.
            node.remove("schema");
        }
        note_lines(route, media, "response", node);
        if let Some(example) = examples::answer(route.operation, media) {
            node.insert("example".to_owned(), example);
        }
    }
}

const PENDING: Text = text!(
    "条目已落盘，覆盖它的检查点尚未产生；按 Retry-After 再取。"
    => "The entry is on disk, the checkpoint that covers it is not made yet; ask again as Retry-After says."
);

/// Codes by status, in the order of the catalogue.
fn refusals(route: &Route, note: Option<&notes::Note>) -> Vec<(u16, Vec<ProblemCode>)> {
    let mut codes: Vec<ProblemCode> = note
        .into_iter()
        .flat_map(|note| note.refusals.iter().copied().flatten().copied())
        .collect();
    if route.ledger != LedgerRow::Open {
        codes.extend(KNOWN);
        if route.roles.len() < heyan_app::access::table::Role::ALL.len() {
            codes.push(ProblemCode::RoleNotAllowed);
        }
    }
    codes.sort_unstable();
    codes.dedup();
    let mut by_status: Vec<(u16, Vec<ProblemCode>)> = Vec::new();
    for code in codes {
        match by_status.last_mut() {
            Some((status, codes)) if *status == code.status() => codes.push(code),
            _ => by_status.push((code.status(), vec![code])),
        }
    }
    by_status
}

fn refusal(status: &str, codes: &[ProblemCode], beside: Option<&Value>) -> Value {
    let mut headers = Map::new();
    let mut header = |name: &str| {
        headers.insert(name.to_owned(), json!({"$ref": format!("#/components/headers/{name}")}));
    };
    if status == "401" {
        header("WWW-Authenticate");
    }
    if matches!(status, "429" | "503") {
        header("Retry-After");
    }
    let mut content = json!({(problem::CONTENT_TYPE): {"schema": {"$ref": "#/components/schemas/Problem"}}});
    if let (Some(content), Some(more)) = (
        content.as_object_mut(),
        beside
            .and_then(|beside| beside.get("content"))
            .and_then(Value::as_object),
    ) {
        content.extend(more.clone());
    }
    let mut response = Map::new();
    put_text(&mut response, "description", &status_text(status));
    let codes: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    response.insert("x-problem-codes".to_owned(), codes.into());
    if !headers.is_empty() {
        response.insert("headers".to_owned(), Value::Object(headers));
    }
    response.insert("content".to_owned(), content);
    Value::Object(response)
}

fn status_text(status: &str) -> Text {
    match status {
        "400" => text!("请求无法读懂，未作处理。" => "The request cannot be read; nothing was done."),
        "401" => text!("没有有效的凭据。" => "No valid credential."),
        "403" => {
            text!("无权这样做；缺少的授权条款见 `missing_clause`。" => "Not allowed; `missing_clause` names what the grant lacks.")
        }
        "404" => text!("没有所指的对象。" => "There is no such thing."),
        "406" => text!("无法提供所要求的格式。" => "The format asked for is not available."),
        "408" => text!("未在时限内收到完整请求。" => "The request did not arrive in time."),
        "409" => text!("已经存在。" => "It is there already."),
        "412" => text!("当前版本不是 If-Match 所写的版本。" => "Another version than that of If-Match is current."),
        "413" => text!("请求体过大或条目过多。" => "The body is too large or holds too many items."),
        "415" => text!("不支持的内容类型或编码。" => "The content type or coding is not supported."),
        "422" => {
            text!("请求内容不符合约定，`errors` 指明位置。" => "The content is not as agreed; `errors` names the places.")
        }
        "429" => text!("当日次数已达上限。" => "The daily ceiling is reached."),
        "500" => text!("系统内部错误，没有得出结果。" => "The hub failed inside; there is no answer."),
        "503" => {
            text!("暂时无法办理；绝不等于不一致。" => "Not possible at the moment; never to be read as a mismatch.")
        }
        _ => text!("已拒绝。" => "Refused."),
    }
}

fn components(stated: &Value) -> Value {
    let mut schemas = match stated.pointer("/components/schemas") {
        Some(Value::Object(schemas)) => schemas.clone(),
        _ => Map::new(),
    };
    for (name, replacement) in words::replacements() {
        let (Some(place), Value::Object(mut replacement)) = (schemas.get_mut(name), replacement) else {
            continue;
        };
        if let Some(description) = place.get("description") {
            replacement.insert("description".to_owned(), description.clone());
        }
        *place = Value::Object(replacement);
    }
    schemas.extend(webhooks::schemas());
    for (name, schema) in &mut schemas {
        let Some(schema) = schema.as_object_mut() else { continue };
        if shapes::STRICT.contains(&name.as_str()) {
            schema.insert("additionalProperties".to_owned(), false.into());
        }
        required_first(schema);
    }
    json!({
        "schemas": schemas,
        "headers": {
            "ETag": {"description": "Version that is current now, in quotes. ‖ 当前版本，带引号。", "schema": {"type": "string"}},
            "Location": {"description": "Where to go. ‖ 转到的地址。", "required": true, "schema": {"type": "string"}},
            "Retry-After": {"description": "Seconds. ‖ 秒数。", "required": true, "schema": {"type": "integer", "minimum": 0}},
            "WWW-Authenticate": {"description": "How to prove who calls. ‖ 认证方式。", "required": true, "schema": {"type": "string"}},
        },
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                "description": "Token from `/oauth/token`. ‖ 由 `/oauth/token` 签发的令牌。"},
            "basic": {"type": "http", "scheme": "basic",
                "description": "Client id and secret, form-urlencoded (RFC 6749 §2.3.1). ‖ 客户端标识与密钥，先作表单编码（RFC 6749 §2.3.1）。"},
        },
    })
}

/// What must be there is read first.
fn required_first(schema: &mut Map<String, Value>) {
    let required: Vec<String> = match schema.get("required") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => return,
    };
    let Some(Value::Object(properties)) = schema.get_mut("properties") else {
        return;
    };
    let mut ordered = Map::new();
    for name in required {
        if let Some(property) = properties.get(&name) {
            ordered.insert(name, property.clone());
        }
    }
    for (name, property) in std::mem::take(properties) {
        ordered.entry(name).or_insert(property);
    }
    *properties = ordered;
}

/// Gives each half of a text its member.
fn split_texts(node: &mut Value) {
    match node {
        Value::Object(members) => {
            let halves = match members.get("description") {
                Some(Value::String(text)) => text.split_once(BETWEEN).map(|(en, zh)| (en.to_owned(), zh.to_owned())),
                _ => None,
            };
            if let Some((en, zh)) = halves {
                for (name, value) in std::mem::take(members) {
                    if name == "description" {
                        members.insert(name, en.clone().into());
                        members.insert("x-zh-description".to_owned(), zh.clone().into());
                    } else {
                        members.insert(name, value);
                    }
                }
            }
            members.values_mut().for_each(split_texts);
        }
        Value::Array(items) => items.iter_mut().for_each(split_texts),
        _ => {}
    }
}
