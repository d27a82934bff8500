//! Holds every answer that a test of this binary gets against the wire type of its route: read as that type and written again, it is
//! the same bytes. So what is written by hand (verifications, checks, lines) cannot drift from what is described.

use heyan::{
    api,
    http::routes::{ROUTES, Route},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::promise;

/// The operation that answers a path.
fn operation(method: &str, path: &str) -> Option<&'static str> {
    let path = path.split('?').next().unwrap_or_default();
    let fits = |route: &&Route| {
        let (mut told, mut asked) = (route.path.split('/'), path.split('/'));
        route.method == method
            && told.clone().count() == asked.clone().count()
            && told.all(|part| asked.next().is_some_and(|one| part.starts_with('{') || part == one))
    };
    ROUTES.iter().find(fits).map(|route| route.operation)
}

/// Reads a text as a type and writes it again: it must be the same.
pub(crate) fn same<T: Serialize + DeserializeOwned>(what: &str, text: &str) {
    let read: T = serde_json::from_str(text).unwrap_or_else(|why| panic!("{what}: {why}: {text}"));
    // Answers written by hand escape a line feed by its number.
    assert_eq!(
        serde_json::to_string(&read).unwrap(),
        text.replace("\\u000a", "\\n"),
        "{what}"
    );
}

/// Checks a whole answer.
pub(crate) fn check(method: &str, path: &str, status: u16, text: &str) {
    if text.starts_with('{') && status >= 400 {
        return same::<api::Problem>(path, text);
    }
    let operation = operation(method, path).filter(|_| text.starts_with('{'));
    let Some(operation) = operation else { return };
    if let Some(check) = promise::answer(operation) {
        return check(operation, text);
    }
    let check = match operation {
        "verify" | "reuse_check" => same::<api::Verification>,
        "verify_batch" => same::<api::Batch>,
        "explain" => same::<api::Explanation>,
        "get_receipt" if status == 202 => same::<api::Pending>,
        "get_receipt" => same::<api::Receipt>,
        "list_datasets" => same::<api::Datasets>,
        "get_dataset" => same::<api::Dataset>,
        "put_records" => same::<api::RecordStored>,
        "query_record" => same::<api::RecordRead>,
        "list_mismatches" => same::<api::Mismatches>,
        "get_mismatch" | "act_on_mismatch" => same::<api::Mismatch>,
        "check_item" => same::<api::Check>,
        "open_case" | "get_case" => same::<api::Case>,
        "list_cases" => same::<api::Cases>,
        "check_in_case" => same::<api::CaseCheckAnswer>,
        "put_items" => same::<api::ItemStored>,
        "list_items" => same::<api::ServiceItems>,
        "report_items" => same::<api::ItemReport>,
        "get_item" => same::<api::ServiceItem>,
        "verify_licence_file" => same::<api::LicenceVerification>,
        "query_licence" => same::<api::LicenceFound>,
        "add_subscription" | "rotate_subscription_secret" => same::<api::SubscriptionWithSecret>,
        "list_subscriptions" => same::<api::Subscriptions>,
        "get_subscription" => same::<api::Subscription>,
        "test_subscription" => same::<api::TestDelivery>,
        "list_deliveries" => same::<api::Deliveries>,
        "replay_deliveries" => same::<api::Replayed>,
        "replay_delivery" => same::<api::Delivery>,
        "query_trace" => same::<api::Trace>,
        "add_seal" | "confirm_seal" | "lift_seal" => same::<api::Seal>,
        "list_seals" => same::<api::Seals>,
        "get_quality" => same::<api::Quality>,
        "get_quality_report" => same::<api::QualityReport>,
        "report_application" => same::<api::ApplicationReported>,
        "list_alerts" => same::<api::Alerts>,
        "get_alert" | "act_on_alert" => same::<api::WholeAlert>,
        "list_rules" => same::<api::SupervisionRules>,
        "replay_rule" => same::<api::RuleTried>,
        "unlock_guess_budget" => same::<api::Unlocked>,
        "add_agency" => same::<api::AddedAgency>,
        "list_agencies" => same::<api::Agencies>,
        "get_agency" => same::<api::Agency>,
        "rotate_agency_secret" => same::<api::RotatedCredential>,
        "disable_agency" | "enable_agency" | "disable_user" | "enable_user" => same::<api::Standing>,
        "add_grant" | "revoke_grant" => same::<api::Grant>,
        "list_grants" => same::<api::Grants>,
        "list_users" => same::<api::Users>,
        "issue_token" => same::<api::Token>,
        "get_jwks" => same::<api::Jwks>,
        "get_metadata" => same::<api::Metadata>,
        "get_cosigned" => same::<api::Cosigned>,
        "get_openapi" | "get_asyncapi" | "get_event_schema" | "verify_stream" => return,
        other => panic!("{other} has no wire type here"),
    };
    check(operation, text);
}

/// Checks one line of the answer to a stream.
pub(crate) fn check_line(line: &str) {
    let has = |member: &str| line.contains(&format!("\"{member}\":{{"));
    let check = match () {
        () if has("summary") => same::<api::StreamEnd>,
        () if has("problem") => same::<api::ItemProblem>,
        () => same::<api::ItemAnswer>,
    };
    check("a line", line);
}
