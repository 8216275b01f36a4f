//! An address whose answer is a value: its status, or a part of its JSON.

use std::time::Duration;

use hyper::Method;
use serde_json::Value as Json;

use super::client::{Answer, Request, Wire};
use crate::api::analysis::Http;
use crate::release::gate::{Reading, Value};

/// Asks; the second part must not be shown.
pub(super) async fn ask(wire: &Wire, asked: &Http, timeout: Duration) -> (Reading, Vec<String>) {
    let (headers, hidden) = match wire.headers(&asked.headers).await {
        Ok(headers) => headers,
        Err(why) => return (Reading::Broken(why), Vec::new()),
    };
    let request = Request { method: Method::GET, url: asked.url.clone(), headers, body: Vec::new(), timeout };
    let reading = match wire.send(request, asked.ca_secret.as_ref()).await {
        Ok(answer) => read(&answer, asked.pointer.as_deref()),
        Err(why) => Reading::Broken(why),
    };
    (reading, hidden)
}

fn read(answer: &Answer, pointer: Option<&str>) -> Reading {
    let Some(pointer) = pointer else { return Reading::Value(Value::Number(f64::from(answer.status))) };
    if !answer.is_success() {
        return Reading::Broken(format!("the answer is {}", answer.words()));
    }
    let json: Json = match serde_json::from_slice(&answer.body) {
        Ok(json) => json,
        Err(error) => return Reading::Broken(format!("the answer is no JSON: {error}")),
    };
    match json.pointer(pointer) {
        None => Reading::Nothing(format!("the answer has no {pointer}")),
        Some(Json::Null) => Reading::Nothing(format!("{pointer} of the answer is null")),
        Some(Json::Number(number)) => Reading::Value(Value::Number(number.as_f64().unwrap_or(f64::NAN))),
        Some(Json::Bool(value)) => Reading::Value(Value::Text(value.to_string())),
        Some(Json::String(text)) => {
            Reading::Value(number(text).map_or_else(|| Value::Text(text.clone()), Value::Number))
        }
        Some(Json::Array(_) | Json::Object(_)) => {
            Reading::Broken(format!("{pointer} of the answer is no single value"))
        }
    }
}

/// The number that a text is; words such as `nan` and `inf` are texts.
fn number(text: &str) -> Option<f64> {
    text.chars().any(|c| c.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::get;

    use super::*;
    use crate::controller::measure::client::tests::wire;

    fn answer(body: &str) -> Answer {
        Answer { status: 200, body: body.into() }
    }

    #[test]
    fn a_pointer_leads_to_a_number_or_a_text() {
        let body = answer(r#"{"data":{"errors":[0.5],"text":"ok","words":"2.5","is":true,"no":null}}"#);
        let at = |pointer: &str| read(&body, Some(pointer));
        assert_eq!(at("/data/errors/0"), Reading::Value(Value::Number(0.5)));
        assert_eq!(at("/data/words"), Reading::Value(Value::Number(2.5)));
        assert_eq!(at("/data/text"), Reading::Value(Value::Text("ok".into())));
        assert_eq!(at("/data/is"), Reading::Value(Value::Text("true".into())));
        assert_eq!(at("/data/no"), Reading::Nothing("/data/no of the answer is null".into()));
        assert_eq!(at("/other"), Reading::Nothing("the answer has no /other".into()));
        assert!(matches!(at("/data"), Reading::Broken(_)));
        assert!(
            matches!(read(&answer("<html>"), Some("/a")), Reading::Broken(words) if words.contains("no JSON"))
        );
    }

    #[tokio::test]
    async fn a_real_server_is_asked_with_headers_and_its_redirect_is_not_followed() {
        let router = Router::new()
            .route(
                "/health",
                get(|headers: HeaderMap| async move {
                    let is_ours = headers.get("X-Asked").is_some_and(|value| value == "by us");
                    if is_ours {
                        (StatusCode::OK, r#"{"ratio": 0.25}"#)
                    } else {
                        (StatusCode::FORBIDDEN, "{}")
                    }
                }),
            )
            .route("/moved", get(|| async { (StatusCode::FOUND, [("location", "/health")]) }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        let asked = |text: &str| -> Http { serde_yaml::from_str(&text.replace("BASE", &base)).unwrap() };
        let wire = wire();
        let limit = Duration::from_secs(5);
        let with = asked("{url: BASE/health, pointer: /ratio, headers: [{name: X-Asked, value: by us}]}");
        assert_eq!(ask(&wire, &with, limit).await.0, Reading::Value(Value::Number(0.25)));
        let without = asked("{url: BASE/health, pointer: /ratio}");
        assert_eq!(ask(&wire, &without, limit).await.0, Reading::Broken("the answer is 403: {}".into()));
        assert_eq!(
            ask(&wire, &asked("{url: BASE/moved}"), limit).await.0,
            Reading::Value(Value::Number(302.0))
        );
        serving.abort();
    }
}
