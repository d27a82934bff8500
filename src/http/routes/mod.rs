//! Every route: its path, who may call it, and what it leaves in the ledger. The server is configured from this table,
//! and a test walks it: a route without a row cannot exist.

pub(crate) mod access;
pub(crate) mod administration;
pub(crate) mod applications;
pub(crate) mod cases;
pub(crate) mod checks;
pub(crate) mod datasets;
pub(crate) mod items;
pub(crate) mod licences;
pub(crate) mod mismatches;
pub(crate) mod open;
pub(crate) mod quality;
pub(crate) mod receipts;
pub(crate) mod records;
pub(crate) mod stream;
pub(crate) mod subscriptions;
pub(crate) mod supervision;
pub(crate) mod verifications;
pub(crate) mod watches;

use actix_web::{HttpRequest, HttpResponse, guard, http::header, web};

use self::{
    open::{log, oauth, pages, schemas},
    supervision::{alerts, archives, rules, seals, traces},
};
pub use crate::call::route::{LedgerRow, Route};
use crate::{
    call,
    problem::{ProblemCode, ProblemDocument},
};
use heyan_app::access::table::ClientRole::{self, Agency, Auditor, Authority, Manager, Operator};

/// A strict shape of a request, for the tests that hold it against the description.
#[cfg(test)]
pub(crate) struct RequestShape {
    /// Its name in the description.
    pub(crate) name: &'static str,
    /// Whether the parser of its handler takes a body.
    pub(crate) parses: fn(&[u8]) -> bool,
    /// A body with every member.
    pub(crate) full: fn() -> serde_json::Value,
}

/// Shapes that are stated beside their handlers.
#[cfg(test)]
pub(crate) const SHAPES: &[RequestShape] = &[watches::SHAPE];

const EVERYONE: &[ClientRole] = &[Agency, Authority, Operator, Manager, Auditor];

macro_rules! routes {
    ($($operation:ident $method:ident $path:literal $roles:expr, $ledger:ident => $($handler:ident)::+;)*) => {
        /// The table.
        pub static ROUTES: &[Route] = &[$(Route {
            operation: stringify!($operation),
            method: stringify!($method),
            path: $path,
            roles: $roles,
            ledger: LedgerRow::$ledger,
        },)*];

        /// Positions of the rows.
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Row { $($operation,)* }

        fn register(config: &mut web::ServiceConfig) {
            $(register_one!(config, $operation $method $path $ledger $($handler)::+);)*
        }

        /// Paths and shapes as the handlers state them, without texts, refusals and examples.
        #[cfg(test)]
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($($handler)::+),*))]
        pub(crate) struct Handlers;
    };
}

macro_rules! method {
    (GET) => {
        read()
    };
    ($method:ident) => {
        web::method(actix_web::http::Method::$method)
    };
}

macro_rules! register_one {
    ($config:ident, $operation:ident $method:ident $path:literal Open $handler:path) => {
        $config.route(
            $path,
            method!($method).to(async |request: HttpRequest, payload: web::Payload| {
                call::open::run(row(Row::$operation), &|call| Box::pin($handler(call)), request, payload).await
            }),
        );
    };
    ($config:ident, $operation:ident $method:ident $path:literal $ledger:ident $handler:path) => {
        $config.route(
            $path,
            method!($method).to(async |request: HttpRequest, payload: web::Payload| {
                call::run(row(Row::$operation), &|call| Box::pin($handler(call)), request, payload).await
            }),
        );
    };
}

routes! {
//  operation             method path                                          who                                    ledger    handler
    verify                POST   "/v1/verifications"                           &[Agency],                             Own    => verifications::verify;
    verify_batch          POST   "/v1/verifications/batch"                     &[Agency],                             Own    => verifications::batch;
    verify_stream         POST   "/v1/verifications/stream"                    &[Agency],                             Own    => stream::verify;
    explain               GET    "/v1/verifications/{id}/explanation"          &[Agency, Auditor],                    Own    => verifications::explain;
    get_receipt           GET    "/v1/receipts/{origin}/{index}"               &[Agency, Authority, Auditor],         Call   => receipts::get;
    list_datasets         GET    "/v1/datasets"                                EVERYONE,                              Call   => datasets::list;
    get_dataset           GET    "/v1/datasets/{dataset}"                      EVERYONE,                              Call   => datasets::get;
    put_records           PUT    "/v1/datasets/{dataset}/records"              &[Agency, Authority],                  Own    => records::put;
    query_record          POST   "/v1/datasets/{dataset}/records/query"        &[Agency, Authority],                  Own    => records::query;
    list_mismatches       GET    "/v1/mismatches"                              EVERYONE,                              Call   => mismatches::list;
    get_mismatch          GET    "/v1/mismatches/{id}"                         EVERYONE,                              Call   => mismatches::get;
    act_on_mismatch       POST   "/v1/mismatches/{id}/actions"                 &[Agency, Authority],                  Own    => mismatches::act;
    check_item            POST   "/v1/checks"                                  &[Agency],                             Own    => checks::check;
    add_watch             POST   "/v1/watches"                                 &[Agency],                             Own    => watches::add;
    list_watches          GET    "/v1/watches"                                 &[Agency],                             Call   => watches::list;
    get_watch             GET    "/v1/watches/{id}"                            &[Agency],                             Call   => watches::get;
    remove_watch          DELETE "/v1/watches/{id}"                            &[Agency],                             Own    => watches::remove;
    open_case             POST   "/v1/cases"                                   &[Agency],                             Own    => cases::open;
    list_cases            GET    "/v1/cases"                                   &[Agency],                             Call   => cases::list;
    get_case              GET    "/v1/cases/{id}"                              &[Agency],                             Call   => cases::get;
    close_case            DELETE "/v1/cases/{id}"                              &[Agency],                             Own    => cases::close;
    check_in_case         POST   "/v1/cases/{id}/checks"                       &[Agency],                             Own    => cases::check;
    reuse_check           POST   "/v1/cases/{id}/checks/{number}/reuse"        &[Agency],                             Own    => cases::reuse;
    put_items             PUT    "/v1/items"                                   &[Manager],                            Own    => items::put;
    list_items            GET    "/v1/items"                                   EVERYONE,                              Call   => items::list;
    report_items          GET    "/v1/items/report"                            &[Operator, Auditor],                  Call   => items::report;
    get_item              GET    "/v1/items/{code}"                            EVERYONE,                              Call   => items::get;
    verify_licence_file   POST   "/v1/licences/verify-file"                    &[Agency],                             Own    => licences::verify_file;
    query_licence         POST   "/v1/licences/query"                          &[Agency],                             Own    => licences::query;
    add_subscription      POST   "/v1/subscriptions"                           &[Agency, Authority],                  Own    => subscriptions::add;
    list_subscriptions    GET    "/v1/subscriptions"                           &[Agency, Authority, Operator, Auditor], Call => subscriptions::list;
    get_subscription      GET    "/v1/subscriptions/{id}"                      &[Agency, Authority, Operator, Auditor], Call => subscriptions::get;
    remove_subscription   DELETE "/v1/subscriptions/{id}"                      &[Agency, Authority],                  Own    => subscriptions::remove;
    rotate_subscription_secret POST "/v1/subscriptions/{id}/rotate-secret"     &[Agency, Authority],                  Own    => subscriptions::rotate;
    test_subscription     POST   "/v1/subscriptions/{id}/test"                 &[Agency, Authority],                  Own    => subscriptions::test;
    list_deliveries       GET    "/v1/deliveries"                              &[Agency, Authority, Operator, Auditor], Call => subscriptions::list_deliveries;
    replay_deliveries     POST   "/v1/deliveries/replay"                       &[Operator],                           Own    => subscriptions::replay_range;
    replay_delivery       POST   "/v1/deliveries/{id}/replay"                  &[Operator],                           Own    => subscriptions::replay;
    query_trace           POST   "/v1/traces/query"                            &[Auditor],                            Own    => traces::query;
    add_seal              POST   "/v1/traces/seals"                            &[Auditor],                            Own    => seals::add;
    list_seals            GET    "/v1/traces/seals"                            &[Auditor],                            Call   => seals::list;
    confirm_seal          POST   "/v1/traces/seals/{id}/confirm"               &[Auditor],                            Own    => seals::confirm;
    lift_seal             POST   "/v1/traces/seals/{id}/lift"                  &[Auditor],                            Own    => seals::lift;
    query_archive         POST   "/v1/archives/query"                          &[Auditor],                            Own    => archives::query;
    get_quality           GET    "/v1/quality"                                 &[Authority, Operator, Auditor],       Call   => quality::rows;
    get_quality_report    GET    "/v1/quality/report"                          &[Authority, Operator, Auditor],       Call   => quality::report;
    report_application    POST   "/v1/applications"                            &[Agency],                             Own    => applications::report;
    list_alerts           GET    "/v1/supervision/alerts"                      &[Operator, Auditor],                  Call   => alerts::list;
    get_alert             GET    "/v1/supervision/alerts/{id}"                 &[Operator, Auditor],                  Call   => alerts::get;
    act_on_alert          POST   "/v1/supervision/alerts/{id}/actions"         &[Auditor],                            Own    => alerts::act;
    list_rules            GET    "/v1/supervision/rules"                       &[Operator, Auditor],                  Call   => rules::list_rules;
    replay_rule           POST   "/v1/supervision/rules/{id}/replay"           &[Operator, Auditor],                  Call   => rules::replay_rule;
    unlock_guess_budget   POST   "/v1/supervision/guess-budgets/unlock"        &[Operator, Manager],                  Own    => rules::unlock;
    add_agency            POST   "/v1/agencies"                                &[Manager],                            Own    => access::add_agency;
    list_agencies         GET    "/v1/agencies"                                &[Manager, Operator, Auditor],         Call   => access::list_agencies;
    get_agency            GET    "/v1/agencies/{id}"                           &[Manager, Operator, Auditor],         Call   => access::get_agency;
    change_agency         PATCH  "/v1/agencies/{id}"                           &[Manager],                            Own    => access::change_agency;
    rotate_agency_secret  POST   "/v1/agencies/{id}/rotate-secret"             &[Manager],                            Own    => access::rotate_agency_secret;
    disable_agency        POST   "/v1/agencies/{id}/disable"                   &[Manager],                            Own    => access::disable_agency;
    enable_agency         POST   "/v1/agencies/{id}/enable"                    &[Manager],                            Own    => access::enable_agency;
    add_grant             POST   "/v1/grants"                                  &[Manager],                            Own    => access::add_grant;
    list_grants           GET    "/v1/grants"                                  &[Manager, Operator, Auditor],         Call   => access::list_grants;
    revoke_grant          DELETE "/v1/grants/{id}"                             &[Manager],                            Own    => access::revoke_grant;
    add_user              POST   "/v1/users"                                   &[Manager],                            Own    => access::add_user;
    list_users            GET    "/v1/users"                                   &[Manager, Auditor],                   Call   => access::list_users;
    rotate_user_secret    POST   "/v1/users/{id}/rotate-secret"                &[Manager],                            Own    => access::rotate_user_secret;
    disable_user          POST   "/v1/users/{id}/disable"                      &[Manager],                            Own    => access::disable_user;
    enable_user           POST   "/v1/users/{id}/enable"                       &[Manager],                            Own    => access::enable_user;
    list_approvals        GET    "/v1/approvals"                               &[Manager, Auditor],                   Call   => administration::list_approvals;
    confirm_approval      POST   "/v1/approvals/{id}/confirm"                  &[Manager],                            Own    => administration::confirm_approval;
    get_administration_log GET   "/v1/administration/log"                      &[Auditor],                            Call   => administration::log;
    explain_access        POST   "/v1/access/explain"                          EVERYONE,                              Call   => administration::explain;
    get_entries           GET    "/log/tile/entries/{path:.*}"                 &[Auditor],                            Call   => log::entries;
    issue_token           POST   "/oauth/token"                                &[],                                   Open   => oauth::token;
    get_jwks              GET    "/oauth/jwks"                                 &[],                                   Open   => oauth::jwks;
    get_metadata          GET    "/.well-known/oauth-authorization-server"     &[],                                   Open   => oauth::metadata;
    get_checkpoint        GET    "/log/checkpoint"                             &[],                                   Open   => log::checkpoint;
    get_cosigned          GET    "/log/cosigned"                               &[],                                   Open   => log::cosigned;
    get_log_key           GET    "/log/key"                                    &[],                                   Open   => log::key;
    get_tile              GET    "/log/tile/{level}/{path:.*}"                 &[],                                   Open   => log::tile;
    get_openapi           GET    "/openapi.json"                               &[],                                   Open   => schemas::openapi;
    get_asyncapi          GET    "/asyncapi.yaml"                              &[],                                   Open   => schemas::asyncapi;
    get_event_schema      GET    "/schemas/events/{name}"                      &[],                                   Open   => schemas::event;
    get_docs              GET    "/docs"                                       &[],                                   Open   => pages::docs;
    list_problems         GET    "/problems"                                   &[],                                   Open   => pages::problems;
    get_problem           GET    "/problems/{code}"                            &[],                                   Open   => pages::problem;
    get_stylesheet        GET    "/assets/site.css"                            &[],                                   Open   => pages::stylesheet;
    get_home              GET    "/"                                           &[],                                   Open   => pages::home;
}

fn row(row: Row) -> &'static Route {
    // `Row` has one variant a row, in order. An impossible row would admit no caller.
    ROUTES.get(row as usize).unwrap_or(&NO_ROUTE)
}

/// A route of `GET`, and of `HEAD`, which is answered with the same head and no body.
pub(super) fn read() -> actix_web::Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// Configures the public listener.
pub fn configure(config: &mut web::ServiceConfig) {
    register(config);
    let mut paths: Vec<&str> = ROUTES.iter().map(|route| route.path).collect();
    paths.dedup();
    for path in paths {
        config.service(web::resource(path).default_service(web::to(method_not_allowed)));
    }
    config.default_service(web::to(not_found));
}

/// The row of an answer that matches none: a known caller's call is entered all the same.
static NO_ROUTE: Route = Route {
    operation: "none",
    method: "*",
    path: "*",
    roles: EVERYONE,
    ledger: LedgerRow::Call,
};

async fn not_found(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    unmatched(request, payload, ProblemCode::RouteNotFound).await
}

async fn method_not_allowed(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let template = request.match_pattern().unwrap_or_default();
    let mut allowed: Vec<&str> = ROUTES
        .iter()
        .filter(|route| route.path == template)
        .flat_map(|route| match route.method {
            "GET" => ["GET", "HEAD"].as_slice(),
            _ => std::slice::from_ref(&route.method),
        })
        .copied()
        .collect();
    allowed.dedup();
    let mut response = unmatched(request, payload, ProblemCode::MethodNotAllowed).await;
    if let Ok(allowed) = header::HeaderValue::from_str(&allowed.join(", ")) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

async fn unmatched(request: HttpRequest, payload: web::Payload, code: ProblemCode) -> HttpResponse {
    let known = call::of_worker(&request).is_some_and(|own| call::prove(&own, &request).is_ok());
    if known {
        let handler = |_call: call::HandlerCall| -> call::HandlerAnswer {
            Box::pin(async move { Err(ProblemDocument::new(code)) })
        };
        return call::run(&NO_ROUTE, &handler, request, payload).await;
    }
    let handler = |_call: call::open::OpenCall| -> call::open::OpenAnswer {
        Box::pin(async move { Err(ProblemDocument::new(code)) })
    };
    call::open::run(&NO_ROUTE, &handler, request, payload).await
}
