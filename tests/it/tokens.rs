//! Who calls, and until when.

use serde_json::{Value, json};

use crate::common::TestHub;

async fn token(hub: &TestHub, form: &str, basic: Option<(&str, &str)>) -> (u16, Value) {
    let mut request = hub
        .client
        .post(format!("{}/oauth/token", hub.url))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.to_owned());
    if let Some((id, secret)) = basic {
        request = request.basic_auth(id, Some(secret));
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_buys_a_token_and_rotation_keeps_the_old_one_for_a_while() {
    let hub = TestHub::with_parties().await;
    let manager = hub.token("manager");
    let body = json!({"id": "tax", "name": "税务局", "credit_code": "11340200003015013K", "role": "agency"});
    let (status, made) = hub.send("POST", "/v1/agencies", Some(&manager), Some(&body)).await;
    assert_eq!(status, 201, "{made}");
    let secret = made["client_secret"].as_str().unwrap();
    let grant = "grant_type=client_credentials";
    let (status, answer) = token(&hub, grant, Some(("tax", secret))).await;
    assert_eq!((status, &answer["expires_in"]), (200, &json!(600)));
    let bearer = answer["access_token"].as_str().unwrap().to_owned();
    assert_eq!(hub.send("GET", "/v1/datasets", Some(&bearer), None).await.0, 200);
    let form = format!("{grant}&client_id=tax&client_secret={secret}");
    assert_eq!(token(&hub, &form, None).await.0, 200);
    let (status, refused) = token(&hub, grant, Some(("tax", "hys_wrong"))).await;
    assert_eq!((status, &refused["error"]), (401, &json!("invalid_client")));
    assert_eq!(token(&hub, grant, Some(("nobody", secret))).await.0, 401);
    let (status, refused) = token(&hub, "grant_type=password", Some(("tax", secret))).await;
    assert_eq!((status, &refused["code"]), (400, &json!("unsupported_grant_type")));
    let (_, rotated) = hub
        .send("POST", "/v1/agencies/tax/rotate-secret", Some(&manager), None)
        .await;
    for secret in [secret, rotated["client_secret"].as_str().unwrap()] {
        assert_eq!(token(&hub, grant, Some(("tax", secret))).await.0, 200);
    }
    let (status, _) = hub.send("POST", "/v1/agencies/tax/disable", Some(&manager), None).await;
    assert_eq!(status, 200);
    let (status, refused) = hub.send("GET", "/v1/datasets", Some(&bearer), None).await;
    assert_eq!((status, &refused["code"]), (403, &json!("agency_disabled")));
    assert_eq!(token(&hub, grant, Some(("tax", secret))).await.0, 403);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_making_is_refused() {
    let hub = TestHub::with_parties().await;
    let other = TestHub::with_parties().await;
    let foreign = other.token("agency");
    let (status, refused) = hub.send("GET", "/v1/datasets", Some(&foreign), None).await;
    assert_eq!((status, &refused["code"]), (401, &json!("invalid_token")));
    let mut altered = hub.token("agency");
    altered.truncate(altered.len() - 2);
    assert_eq!(hub.send("GET", "/v1/datasets", Some(&altered), None).await.0, 401);
    hub.stop().await;
    other.stop().await;
}
