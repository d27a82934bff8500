//! The API description: OpenAPI 3.1, made of the attributes on the handlers, the rows of the route table and the words
//! of the domain. What is served is the committed file; a test makes it anew and fails when it is out of date, so what makes it is
//! no part of the program.

#[cfg(test)]
use heyan_api as api;
#[cfg(test)]
use serde_json::Value;

#[cfg(test)]
mod complete;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod parameters;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod tolerance;
#[cfg(test)]
mod webhooks;
#[cfg(test)]
mod words;

/// The committed document, as `/openapi.json` serves it.
pub const COMMITTED: &str = include_str!("../../schemas/openapi.json");

/// Between the English and the Chinese half of a description; the documentation comments of [`heyan_api`] use it.
#[cfg(test)]
const BETWEEN: &str = " ‖ ";

/// Puts a sentence behind each half of a description that was split already.
#[cfg(test)]
fn put_description(schema: &mut Value, more: heyan_texts::Text) {
    use heyan_texts::Locale;
    for (name, more) in [
        ("description", more.get(Locale::En)),
        ("x-zh-description", more.get(Locale::ZhCn)),
    ] {
        if let Some(Value::String(text)) = schema.get_mut(name) {
            if more.is_ascii() {
                text.push(' ');
            }
            text.push_str(more);
        }
    }
}

/// Paths and schemas as the handlers state them, without texts, refusals and examples.
#[cfg(test)]
#[derive(utoipa::OpenApi)]
#[openapi(
    paths(
        super::routes::verifications::verify,
        super::routes::verifications::batch,
        super::routes::stream::verify,
        super::routes::verifications::explain,
        super::routes::receipts::get,
        super::routes::datasets::list,
        super::routes::datasets::get,
        super::routes::records::put,
        super::routes::records::query,
        super::routes::mismatches::list,
        super::routes::mismatches::get,
        super::routes::mismatches::act,
        super::routes::checks::check,
        super::routes::watches::add,
        super::routes::watches::list,
        super::routes::watches::get,
        super::routes::watches::remove,
        super::routes::cases::open,
        super::routes::cases::list,
        super::routes::cases::get,
        super::routes::cases::close,
        super::routes::cases::check,
        super::routes::cases::reuse,
        super::routes::items::put,
        super::routes::items::list,
        super::routes::items::report,
        super::routes::items::get,
        super::routes::licences::verify_file,
        super::routes::licences::query,
        super::routes::subscriptions::add,
        super::routes::subscriptions::list,
        super::routes::subscriptions::get,
        super::routes::subscriptions::remove,
        super::routes::subscriptions::rotate,
        super::routes::subscriptions::test,
        super::routes::subscriptions::list_deliveries,
        super::routes::subscriptions::replay_range,
        super::routes::subscriptions::replay,
        super::routes::supervision::traces::query,
        super::routes::supervision::seals::add,
        super::routes::supervision::seals::list,
        super::routes::supervision::seals::confirm,
        super::routes::supervision::seals::lift,
        super::routes::supervision::archives::query,
        super::routes::quality::rows,
        super::routes::quality::report,
        super::routes::applications::report,
        super::routes::supervision::alerts::list,
        super::routes::supervision::alerts::get,
        super::routes::supervision::alerts::act,
        super::routes::supervision::rules::list_rules,
        super::routes::supervision::rules::replay_rule,
        super::routes::supervision::rules::unlock,
        super::routes::access::add_agency,
        super::routes::access::list_agencies,
        super::routes::access::get_agency,
        super::routes::access::rotate_agency_secret,
        super::routes::access::disable_agency,
        super::routes::access::enable_agency,
        super::routes::access::add_grant,
        super::routes::access::list_grants,
        super::routes::access::revoke_grant,
        super::routes::access::add_user,
        super::routes::access::list_users,
        super::routes::access::rotate_user_secret,
        super::routes::access::disable_user,
        super::routes::access::enable_user,
        super::routes::open::log::entries,
        super::routes::open::oauth::token,
        super::routes::open::oauth::jwks,
        super::routes::open::oauth::metadata,
        super::routes::open::log::checkpoint,
        super::routes::open::log::cosigned,
        super::routes::open::log::key,
        super::routes::open::log::tile,
        super::routes::open::schemas::openapi,
        super::routes::open::schemas::asyncapi,
        super::routes::open::schemas::event,
        super::routes::open::pages::docs,
        super::routes::open::pages::problems,
        super::routes::open::pages::problem,
        super::routes::open::pages::stylesheet,
        super::routes::open::pages::home,
    ),
    components(schemas(
        api::Agency,
        api::AlertMore,
        api::FileQuestion,
        api::Claim,
        api::ExplainedField,
        api::FieldVerdict,
        api::NewCredential,
        api::Predicate,
        api::Problem,
        api::User,
        api::Subscription,
        api::SubscriptionSecret,
        api::Watch,
        api::FieldError,
        api::Item,
        api::ItemAnswer,
        api::ItemProblem,
        api::CheckedMaterial,
        api::ItemLine,
        api::StreamHeader,
        api::StreamEnd,
        api::StreamSummary,
        api::RecordLine,
        api::RecordLineProblem,
        api::RecordsEnd,
        api::RecordsSummary,
        api::RecordsReceipt,
        api::TraceEnd,
        api::TraceSummary,
    ))
)]
struct Handlers;

/// The document, made anew.
#[cfg(test)]
fn document() -> Value {
    let stated = <Handlers as utoipa::OpenApi>::openapi();
    // Every part of it is plain data: it cannot fail to become JSON.
    complete::complete(serde_json::to_value(stated).unwrap_or_default())
}

/// The document as it is committed: indented, paths in the order of the route table, with a line feed at the end.
#[cfg(test)]
fn document_json() -> String {
    format!("{:#}\n", document())
}

#[cfg(test)]
mod tests;
