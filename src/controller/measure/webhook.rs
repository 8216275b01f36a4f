//! Calls a webhook: a POST of JSON, and whether it agrees.

use std::time::Duration;

use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Value;
use tracing::Span;

use super::client::{Request, Wire};
use crate::api::webhook::Webhook;
use crate::controller::seen::redacted;
use crate::release::gate::{Answer, pause};

/// Calls once, and notes the outcome on the span around it.
pub(super) async fn post(wire: &Wire, hook: &Webhook, body: &Value) -> Answer {
    let answer = ask(wire, hook, body).await;
    Span::current().record("crossfade.outcome", answer.name());
    answer
}

async fn ask(wire: &Wire, hook: &Webhook, body: &Value) -> Answer {
    let (mut headers, mut hidden) = match wire.headers(&hook.headers).await {
        Ok(headers) => headers,
        Err(why) => return Answer::Silent(why),
    };
    let url = match &hook.url_secret {
        None => Ok(hook.url.clone().unwrap_or_default()),
        Some(key) => wire.secret(key).await.map(|url| url.trim().to_owned()),
    };
    let url = match url {
        Ok(url) => url,
        Err(why) => return Answer::Silent(why),
    };
    // Nothing is found everywhere.
    hidden.extend(Some(url.clone()).filter(|url| !url.is_empty()));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let request = Request {
        method: Method::POST,
        url,
        headers,
        body: body.to_string().into_bytes(),
        timeout: Duration::from_secs(hook.timeout_seconds.into()),
    };
    match wire.send(request, hook.ca_secret.as_ref()).await {
        Ok(answer) if answer.is_success() => Answer::Agreed,
        Ok(answer) => Answer::Refused(redacted(&answer.words(), &hidden)),
        Err(why) => Answer::Silent(redacted(&why, &hidden)),
    }
}

/// Tells of an event: again with growing pauses until it is taken, or given up.
pub(super) async fn tell(wire: &Wire, hook: &Webhook, body: &Value) {
    for calls in 1..=hook.retries.saturating_add(1) {
        match post(wire, hook, body).await {
            Answer::Agreed => return,
            Answer::Refused(words) | Answer::Silent(words) if calls > hook.retries => {
                tracing::warn!(webhook = hook.name, words, "a webhook was not told of an event");
            }
            Answer::Refused(_) | Answer::Silent(_) => {
                tokio::time::sleep(Duration::from_secs(pause(calls).into())).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Instant;

    use axum::Router;
    use axum::body::Bytes;
    use axum::extract::State;
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::post as on_post;
    use serde_json::json;

    use super::*;
    use crate::controller::measure::client::tests::wire;

    type Taken = Arc<Mutex<Vec<(String, Value)>>>;

    /// A server that refuses the first two calls; gives what it was told.
    async fn server() -> (String, Taken) {
        let taken = Taken::default();
        let take = |State(taken): State<Taken>, headers: HeaderMap, body: Bytes| async move {
            let mut taken = taken.lock().unwrap();
            let kind = headers["content-type"].to_str().unwrap().to_owned();
            taken.push((kind, serde_json::from_slice(&body).unwrap()));
            if taken.len() < 3 { (StatusCode::FORBIDDEN, "not yet") } else { (StatusCode::NO_CONTENT, "") }
        };
        let router = Router::new().route("/", on_post(take)).with_state(taken.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (url, taken)
    }

    fn hook(url: &str) -> Webhook {
        serde_yaml::from_str(&format!(
            "{{name: gate, at: ConfirmPromotion, url: '{url}', timeoutSeconds: 5}}"
        ))
        .unwrap()
    }

    #[tokio::test]
    async fn a_webhook_is_posted_json_and_agrees_with_any_2xx() {
        let (url, taken) = server().await;
        let (wire, hook, body) = (wire(), hook(&url), json!({"name": "erp", "revision": 2}));
        for expected in
            [Answer::Refused("403: not yet".into()), Answer::Refused("403: not yet".into()), Answer::Agreed]
        {
            assert_eq!(post(&wire, &hook, &body).await, expected);
        }
        let taken = taken.lock().unwrap();
        assert_eq!(taken.len(), 3);
        assert_eq!(taken[0], ("application/json".to_owned(), body));
    }

    #[tokio::test]
    async fn who_did_not_take_an_event_is_told_again_with_growing_pauses_until_it_is_given_up() {
        let told = |retries: u32| async move {
            let (url, taken) = server().await;
            let began = Instant::now();
            tell(&wire(), &Webhook { retries, ..hook(&url) }, &json!({"name": "erp"})).await;
            let took = began.elapsed().as_secs();
            let bodies = taken.lock().unwrap().iter().map(|(_, body)| body.clone()).collect::<Vec<_>>();
            assert!(bodies.iter().all(|body| *body == json!({"name": "erp"})), "{bodies:?}");
            (bodies.len(), took)
        };
        // The third is taken: of five retries two are needed, and one is not enough.
        let (taken, given_up, only_once) = tokio::join!(told(5), told(1), told(0));
        assert_eq!((taken.0, given_up.0, only_once.0), (3, 2, 1));
        assert!(taken.1 >= 6 && given_up.1 >= 2, "{taken:?}, {given_up:?}");
    }

    #[tokio::test]
    async fn the_address_is_not_in_what_is_shown_of_an_answer() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/services/a-token", listener.local_addr().unwrap());
        let repeated = url.clone();
        let router = Router::new().fallback(move || async move { (StatusCode::NOT_FOUND, repeated) });
        tokio::spawn(async move { axum::serve(listener, router).await });
        let answer = post(&wire(), &hook(&url), &json!({})).await;
        assert_eq!(answer, Answer::Refused("404: ***".into()));
    }

    #[tokio::test]
    async fn a_webhook_that_nobody_serves_is_silent_and_not_an_error_of_the_operator() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let answer = post(&wire(), &hook(&url), &json!({})).await;
        assert!(matches!(&answer, Answer::Silent(words) if words.contains("no connection")), "{answer:?}");
    }
}
