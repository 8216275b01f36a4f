//! The collector: an HTTP client on a runtime of its own, and what is said of a collector that is away.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::runtime::Runtime;

use super::TracesError;
use super::settings::Settings;
use crate::controller::measure::client;

/// What an answer may hold: it says how many spans were refused, and why.
const MAX_BODY: usize = 1 << 20;

/// Why the last request was not answered: the exporter says no more than that it was not.
pub(super) type LastWords = Arc<Mutex<String>>;

/// Sends requests, each on the thread that asks for it. The SDK's thread of batches is the only one that does.
#[derive(Debug)]
pub(super) struct Client {
    runtime: &'static Runtime,
    client: hyper_util::client::legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    timeout: Duration,
    last_words: LastWords,
}

impl Client {
    /// A client and where it leaves its last words.
    pub(super) fn new(settings: &Settings) -> Result<(Self, LastWords), TracesError> {
        let tls = match &settings.certificates {
            None => client::tls_by_public_roots(),
            Some(path) => std::fs::read_to_string(path)
                .map_err(|error| format!("{path}: {error}"))
                .and_then(|pem| client::tls_by(&pem)),
        };
        let tls = tls.map_err(TracesError::Certificates)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        // For the rest of the process: to drop it is to wait for a name that is still looked up.
        let runtime = Box::leak(Box::new(runtime.map_err(|error| TracesError::Client(error.to_string()))?));
        let mut builder = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
        // Between two batches nobody drives the runtime: a connection that the collector closed would look open.
        let client = builder.pool_max_idle_per_host(0).build(client::connector(tls));
        let last_words = LastWords::default();
        let timeout = settings.timeout;
        Ok((Self { runtime, client, timeout, last_words: last_words.clone() }, last_words))
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        let answered = async {
            let response = self.client.request(request.map(Full::new)).await;
            let (parts, body) = response.map_err(|error| client::reason(&error))?.into_parts();
            let body = Limited::new(body, MAX_BODY).collect().await;
            let body = body.map_err(|error| format!("the answer broke off: {error}"))?;
            Ok(Response::from_parts(parts, body.to_bytes()))
        };
        let limit = self.timeout;
        let answer = tokio::time::timeout(limit, answered).await;
        answer.unwrap_or_else(|_| Err(format!("no answer in {} ms", limit.as_millis())))
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.runtime.block_on(self.send(request));
        let words = match &answer {
            Ok(answer) => format!("the collector answers {}", answer.status()),
            Err(why) => why.clone(),
        };
        *self.last_words.lock().unwrap_or_else(PoisonError::into_inner) = words;
        answer.map_err(HttpError::from)
    }
}

/// The exporter, with one line in the log when the collector goes away and one when it is back, instead of one a batch.
#[derive(Debug)]
pub(super) struct Exporter {
    exporter: opentelemetry_otlp::SpanExporter,
    last_words: LastWords,
    lost: AtomicUsize,
}

impl Exporter {
    /// An exporter whose client leaves its last words there.
    pub(super) const fn new(exporter: opentelemetry_otlp::SpanExporter, last_words: LastWords) -> Self {
        Self { exporter, last_words, lost: AtomicUsize::new(0) }
    }
}

impl SpanExporter for Exporter {
    /// Never an error: the SDK would log it for each batch.
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        if let Err(error) = self.exporter.export(batch).await {
            if self.lost.fetch_add(spans, Ordering::Relaxed) == 0 {
                let why = self.last_words.lock().unwrap_or_else(PoisonError::into_inner).clone();
                tracing::warn!(%error, why, "the collector takes no traces: they are lost until it does");
            }
        } else {
            let lost = self.lost.swap(0, Ordering::Relaxed);
            if lost > 0 {
                tracing::info!(lost, "the collector takes traces again");
            }
        }
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(lost, "the collector has taken no traces to the end");
        }
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
