//! HTTP for measurements and webhooks: bounded in time and size, no redirects, no proxy. Addresses stand in no message:
//! they may hold a token.

use std::error::Error as _;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tracing::Instrument;

use crate::api::site::SecretKey;
use crate::api::webhook::Header;
use crate::controller::traces::span;

/// What an answer may hold; counters of a large gateway are the largest.
const MAX_BODY: usize = 32 << 20;
/// Shorter values are no secrets worth hiding: they would blot out half of a message.
const SHORTEST_SECRET: usize = 6;

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// Whether the status is 2xx.
    pub(super) const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// Status and the beginning of the body, on one line.
    pub(super) fn words(&self) -> String {
        let text = String::from_utf8_lossy(&self.body[..self.body.len().min(1024)]).into_owned();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() { self.status.to_string() } else { format!("{}: {text}", self.status) }
    }
}

/// A question.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) timeout: Duration,
}

/// Sends requests for one namespace, whose Secrets it reads.
pub(super) struct Wire {
    secrets: Api<Secret>,
}

impl Wire {
    pub(super) fn new(client: kube::Client, namespace: &str) -> Self {
        Self { secrets: Api::namespaced(client, namespace) }
    }

    /// The headers with their values, and those that must not be shown.
    pub(super) async fn headers(&self, wanted: &[Header]) -> Result<(HeaderMap, Vec<String>), String> {
        let (mut headers, mut hidden) = (HeaderMap::new(), Vec::new());
        for header in wanted {
            let name = HeaderName::from_bytes(header.name.as_bytes())
                .map_err(|_| format!("'{}' is no name of a header", header.name))?;
            let text = match (&header.secret, &header.value) {
                (Some(key), _) => {
                    let text = self.secret(key).await?.trim().to_owned();
                    // A server that repeats a token leaves its scheme out.
                    let parts = text.split_whitespace().chain([text.as_str()]);
                    hidden.extend(parts.filter(|part| part.len() >= SHORTEST_SECRET).map(str::to_owned));
                    text
                }
                (None, value) => value.clone().unwrap_or_default(),
            };
            let mut value = HeaderValue::from_str(&text).map_err(|_| {
                format!("the value of the header '{}' has characters that it must not", header.name)
            })?;
            value.set_sensitive(header.secret.is_some());
            headers.append(name, value);
        }
        hidden.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Ok((headers, hidden))
    }

    /// A value that must not be shown.
    pub(super) async fn secret(&self, key: &SecretKey) -> Result<String, String> {
        let secret = self.secrets.get_opt(&key.name).await;
        let secret = secret.map_err(|error| format!("failed to read Secret '{}': {error}", key.name))?;
        let value = secret.and_then(|secret| secret.data?.remove(&key.key));
        let value = value.ok_or_else(|| format!("there is no key '{}' in Secret '{}'", key.key, key.name))?;
        String::from_utf8(value.0)
            .map_err(|_| format!("key '{}' of Secret '{}' is no text", key.key, key.name))
    }

    /// Sends a request and reads the whole answer; an error says why there is none.
    pub(super) async fn send(&self, request: Request, ca: Option<&SecretKey>) -> Result<Answer, String> {
        let tls = match ca {
            Some(key) => tls_by(&self.secret(key).await?).map_err(|why| format!("caSecret: {why}")),
            None => tls_by_public_roots(),
        }?;
        send(tls, request).await
    }
}

/// TLS with the certificates that browsers trust.
pub(in crate::controller) fn tls_by_public_roots() -> Result<ClientConfig, String> {
    tls(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
}

/// TLS with these certificates (PEM) and no other.
pub(in crate::controller) fn tls_by(pem: &str) -> Result<ClientConfig, String> {
    tls(own(pem)?)
}

fn own(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("the certificates are no PEM: {error}"))?;
        roots.add(certificate).map_err(|error| format!("a certificate cannot be used: {error}"))?;
    }
    if roots.is_empty() { Err("there is no certificate".to_owned()) } else { Ok(roots) }
}

fn tls(roots: RootCertStore) -> Result<ClientConfig, String> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| format!("failed to begin TLS: {error}"))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Connects by HTTP and HTTPS, as the address says.
pub(in crate::controller) fn connector(tls: ClientConfig) -> HttpsConnector<HttpConnector> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(connector)
}

/// Sends, within a span that goes along as `traceparent`.
async fn send(tls: ClientConfig, request: Request) -> Result<Answer, String> {
    let span = span::request(&request.method);
    let answer = exchange(tls, request).instrument(span.clone()).await;
    span::answered(&span, answer.as_ref().map(|answer| answer.status));
    answer
}

async fn exchange(tls: ClientConfig, request: Request) -> Result<Answer, String> {
    let uri: Uri = request.url.parse().map_err(|_| "the address is no URL".to_owned())?;
    let mut sent = hyper::Request::builder().method(request.method).uri(uri);
    if let Some(headers) = sent.headers_mut() {
        *headers = request.headers;
        span::propagate(headers);
    }
    let sent = sent.body(Full::new(Bytes::from(request.body)));
    let sent = sent.map_err(|_| "the address is no URL".to_owned())?;
    let client = Client::builder(TokioExecutor::new()).build(connector(tls));
    let answered = async {
        let response = client.request(sent).await.map_err(|error| reason(&error))?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
        let body = body.map_err(|error| format!("the answer broke off: {error}"))?;
        Ok(Answer { status, body: body.to_bytes().to_vec() })
    };
    let limit = request.timeout;
    tokio::time::timeout(limit, answered)
        .await
        .unwrap_or_else(|_| Err(format!("no answer in {} s", limit.as_secs())))
}

/// The innermost cause: the outer ones say no more than that a request failed.
pub(in crate::controller) fn reason(error: &hyper_util::client::legacy::Error) -> String {
    let mut cause: Option<&dyn std::error::Error> = error.source();
    let mut words = error.to_string();
    while let Some(inner) = cause {
        words = inner.to_string();
        cause = inner.source();
    }
    format!("no connection: {words}")
}

#[cfg(test)]
pub(super) mod tests {
    use opentelemetry::trace::{TraceContextExt, TracerProvider};
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_opentelemetry::OpenTelemetrySpanExt;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// A wire without a cluster behind it: only what needs no Secret works.
    pub(in crate::controller::measure) fn wire() -> Wire {
        let config = kube::Config::new("http://127.0.0.1:9".parse().unwrap());
        Wire::new(kube::Client::try_from(config).unwrap(), "shop")
    }

    fn get(url: &str) -> Request {
        Request {
            method: Method::GET,
            url: url.to_owned(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            timeout: Duration::from_millis(200),
        }
    }

    #[tokio::test]
    async fn no_message_shows_an_address() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let silent = format!("http://{}/token-1234567", listener.local_addr().unwrap());
        let words = wire().send(get(&silent), None).await.unwrap_err();
        assert_eq!(words, "no answer in 0 s");
        drop(listener);
        for url in [silent.as_str(), "http://", "https://127.0.0.1:1/token-1234567"] {
            let words = wire().send(get(url), None).await.unwrap_err();
            assert!(!words.contains("token"), "{words}");
        }
    }

    #[tokio::test]
    async fn the_server_that_is_asked_can_go_on_with_the_trace() {
        let provider = SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let repeat = |headers: HeaderMap| async move { headers["traceparent"].to_str().unwrap().to_owned() };
        tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(repeat)).await });
        let asking = tracing::info_span!("asking");
        let trace = asking.context().span().span_context().trace_id();
        let request = Request { timeout: Duration::from_secs(10), ..get(&url) };
        let answer = wire().send(request, None).instrument(asking).await.unwrap();
        let told = String::from_utf8(answer.body).unwrap();
        assert!(told.starts_with(&format!("00-{trace}-")) && told.ends_with("-01"), "{told}");
    }

    #[test]
    fn words_are_one_line_and_short() {
        let answer = Answer { status: 403, body: "no\n\n  not\tyet ".into() };
        assert_eq!(answer.words(), "403: no not yet");
        assert_eq!(Answer { status: 204, body: Vec::new() }.words(), "204");
        assert!(Answer { status: 500, body: vec![b'x'; 1 << 20] }.words().len() < 1100);
    }

    #[test]
    fn certificates_of_ones_own_must_be_some() {
        assert!(own("").unwrap_err().contains("no certificate"));
        assert!(own("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").is_err());
    }
}
