//! A licence of this city, its file, and the multipart body that asks about it.

use serde_json::{Value, json};

use crate::common::{TestHub, purpose};

pub const FILE: &[u8] = b"%OFD a licence, as it was issued";
pub const HOLDER: &str = "11010519491231002X";

/// A licence of this city, by serial and version, with its right check character.
pub fn licence_id(serial: &str, version: &str) -> String {
    let (kind, issuer) = ("11100000000013338W011", "113402000030106774");
    let check = heyan::domain::identifier::licence::check_character(kind, issuer, serial, version).unwrap();
    format!("1.2.156.3005.2.{kind}.{issuer}.{serial}.{version}.{check}")
}

pub fn sha256(bytes: &[u8]) -> String {
    hex(&heyan::auth::sha256(bytes))
}

pub fn hex(bytes: &[u8]) -> String {
    heyan::auth::file_digest::hex(bytes)
}

pub fn sm3(bytes: &[u8]) -> String {
    let mut digest = heyan::auth::file_digest::FileDigest::default();
    digest.update(bytes);
    hex(&digest.finish().sm3)
}

pub fn fields() -> Value {
    json!({"type_name": "食品经营许可证", "licence_no": "皖C324506226815", "holder_name": "张三丰", "holder_id": HOLDER,
        "valid_from": "2020-01-01", "valid_until": "2030-12-31", "status": "有效", "file_sha256": sha256(FILE)})
}

pub async fn put(hub: &TestHub, id: &str, fields: &Value) {
    let record = json!({"subject": {"licence_id": id}, "fields": fields});
    let (status, answer) = hub.put("e-licence", &record).await;
    assert_eq!(status, 200, "{answer}");
}

pub fn with(mut fields: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        fields[name] = value.clone();
    }
    fields
}

pub type Part<'a> = (&'a str, &'a [u8]);

/// A body of parts in their order.
pub fn body(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, bytes) in parts {
        let head = format!("--frontier\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"x\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--frontier--\r\n");
    body
}

pub async fn send(hub: &TestHub, client: &str, body: Vec<u8>) -> (u16, Value) {
    let response = hub
        .client
        .post(format!("{}/v1/licences/verify-file", hub.url))
        .bearer_auth(hub.token(client))
        .header("content-type", "multipart/form-data; boundary=frontier")
        .body(body)
        .send()
        .await
        .unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    crate::wire::check("POST", "/v1/licences/verify-file", status, &text);
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

pub async fn verify(hub: &TestHub, client: &str, question: &Value, more: &[Part<'_>], file: &[u8]) -> (u16, Value) {
    let (purpose, question) = (purpose().to_string(), question.to_string());
    let mut parts = vec![("purpose", purpose.as_bytes()), ("question", question.as_bytes())];
    parts.extend_from_slice(more);
    parts.push(("file", file));
    send(hub, client, body(&parts)).await
}

pub fn question(id: &str) -> Value {
    json!({"subject": {"licence_id": id}, "on": "2026-11-26"})
}
