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
fn put_description(schema: &mut Value, more: heyan_texts::BilingualText) {
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
        super::verifications::verify,
        super::verifications::batch,
        super::stream::verify,
        super::verifications::explain,
        super::receipts::get,
        super::datasets::list,
        super::datasets::get,
        super::records::put,
        super::records::query,
        super::mismatches::list,
        super::mismatches::get,
        super::mismatches::act,
        super::checks::check,
        super::watches::add,
        super::watches::list,
        super::watches::get,
        super::watches::remove,
        super::cases::open,
        super::cases::list,
        super::cases::get,
        super::cases::close,
        super::cases::check,
        super::cases::reuse,
        super::items::put,
        super::items::list,
        super::items::report,
        super::items::get,
        super::licences::verify_file,
        super::licences::query,
        super::subscriptions::add,
        super::subscriptions::list,
        super::subscriptions::get,
        super::subscriptions::remove,
        super::subscriptions::rotate,
        super::subscriptions::test,
        super::subscriptions::list_deliveries,
        super::subscriptions::replay_range,
        super::subscriptions::replay,
        super::traces::query,
        super::seals::add,
        super::seals::list,
        super::seals::confirm,
        super::seals::lift,
        super::archives::query,
        super::quality::rows,
        super::quality::report,
        super::applications::report,
        super::alerts::list,
        super::alerts::get,
        super::alerts::act,
        super::supervision::list_rules,
        super::supervision::replay_rule,
        super::supervision::unlock,
        super::access::add_agency,
        super::access::list_agencies,
        super::access::get_agency,
        super::access::rotate_agency_secret,
        super::access::disable_agency,
        super::access::enable_agency,
        super::access::add_grant,
        super::access::list_grants,
        super::access::revoke_grant,
        super::access::add_user,
        super::access::list_users,
        super::access::rotate_user_secret,
        super::access::disable_user,
        super::access::enable_user,
        super::log::entries,
        super::oauth::token,
        super::oauth::jwks,
        super::oauth::metadata,
        super::log::checkpoint,
        super::log::cosigned,
        super::log::key,
        super::log::tile,
        super::schemas::openapi,
        super::schemas::asyncapi,
        super::schemas::event,
        super::pages::docs,
        super::pages::problems,
        super::pages::problem,
        super::pages::stylesheet,
        super::pages::home,
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
