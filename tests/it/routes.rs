//! A walk over the route table: who may call, and what the call leaves in the ledger.

use heyan::app::access::table::ClientRole;
use heyan::http::routes::{LedgerRow, ROUTES};
use serde_json::json;

use crate::{common::TestHub, promise};

/// Written from CONTRACT §3 to §7, not from the table.
fn expected(operation: &str) -> &'static [&'static str] {
    if let Some(promised) = promise::roles(operation) {
        return promised;
    }
    match operation {
        "verify" | "verify_batch" | "verify_stream" => &["agency"],
        "explain" => &["agency", "auditor"],
        "get_receipt" => &["agency", "authority", "auditor"],
        "list_datasets" | "get_dataset" => &["agency", "authority", "operator", "manager", "auditor"],
        "put_records" | "query_record" => &["agency", "authority"],
        "open_case" | "list_cases" | "get_case" | "close_case" | "check_in_case" | "reuse_check" => &["agency"],
        "check_item" => &["agency"],
        "report_application" | "verify_licence_file" | "query_licence" => &["agency"],
        "put_items" => &["manager"],
        "report_items" => &["operator", "auditor"],
        "list_items" | "get_item" => &["agency", "authority", "operator", "manager", "auditor"],
        "list_mismatches" | "get_mismatch" => &["agency", "authority", "operator", "manager", "auditor"],
        "act_on_mismatch"
        | "add_subscription"
        | "remove_subscription"
        | "rotate_subscription_secret"
        | "test_subscription" => &["agency", "authority"],
        "list_subscriptions" | "get_subscription" | "list_deliveries" => {
            &["agency", "authority", "operator", "auditor"]
        }
        "replay_delivery" | "replay_deliveries" => &["operator"],
        "unlock_guess_budget" => &["operator", "manager"],
        "query_trace" | "add_seal" | "list_seals" | "confirm_seal" | "lift_seal" | "query_archive" => &["auditor"],
        "get_quality" | "get_quality_report" => &["authority", "operator", "auditor"],
        "list_alerts" => &["operator", "auditor"],
        "get_alert" | "list_rules" | "replay_rule" => &["operator", "auditor"],
        "act_on_alert" => &["auditor"],
        "add_agency"
        | "rotate_agency_secret"
        | "disable_agency"
        | "enable_agency"
        | "add_grant"
        | "revoke_grant"
        | "disable_user"
        | "enable_user" => &["manager"],
        "list_agencies" | "get_agency" | "list_grants" => &["manager", "operator", "auditor"],
        "list_users" => &["manager", "auditor"],
        "get_entries" => &["auditor"],
        "issue_token" | "get_jwks" | "get_metadata" | "get_checkpoint" | "get_cosigned" | "get_log_key"
        | "get_tile" | "get_openapi" | "get_asyncapi" | "get_event_schema" | "get_docs" | "list_problems"
        | "get_problem" | "get_stylesheet" | "get_home" => &[],
        other => panic!("route {other} has no row of expectations"),
    }
}

pub(crate) fn concrete(path: &str) -> String {
    path.replace("{path:.*}", "000")
        .replace("{id}", "none")
        .replace("{origin}", "hub-1.heyan.local")
        .replace("{index}", "0")
        .replace("{number}", "1")
        .replace("{dataset}", "natural-person")
        .replace("{code}", "not_granted")
        .replace("{level}", "0")
        .replace("{name}", "heyan.feed.v1.json")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_admits_whom_the_contract_admits_and_enters_every_known_caller() {
    let hub = TestHub::with_parties().await;
    let mut cases = 0;
    for route in ROUTES {
        let wanted = expected(route.operation);
        assert_eq!(
            wanted.is_empty(),
            route.ledger == LedgerRow::Open,
            "{}",
            route.operation
        );
        let path = concrete(route.path);
        let body = json!({});
        let body = (route.method != "GET").then_some(&body);
        let size = hub.ledger_size();
        for token in [None, Some("nonsense")] {
            let (status, answer) = hub.send(route.method, &path, token, body).await;
            if !wanted.is_empty() {
                assert_eq!(status, 401, "{} {answer}", route.operation);
            }
            cases += 1;
        }
        assert_eq!(
            hub.ledger_size(),
            size,
            "{}: nobody unknown is entered",
            route.operation
        );
        for role in ClientRole::ALL {
            let token = hub.token(role.as_str());
            let size = hub.ledger_size();
            let (status, answer) = hub.send(route.method, &path, Some(&token), body).await;
            if wanted.is_empty() {
                continue;
            }
            let allowed = answer["code"] != "role_not_allowed";
            assert_eq!(
                allowed,
                wanted.contains(&role.as_str()),
                "{} as {}",
                route.operation,
                role.as_str()
            );
            assert!(status < 500, "{} {status} {answer}", route.operation);
            assert!(
                hub.ledger_size() > size,
                "{} as {}: no ledger entry",
                route.operation,
                role.as_str()
            );
            cases += 1;
        }
        let (status, answer) = hub.send("PURGE", &path, None, None).await;
        assert_eq!(
            (status, &answer["code"]),
            (405, &json!("method_not_allowed")),
            "{}",
            route.operation
        );
    }
    assert!(cases > 150);
    hub.stop().await;
}
