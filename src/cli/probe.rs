//! `crossfade probe`: does this bench serve a site?

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::Output;
use super::site::{self, Failure};

/// Sends one GET with the site's name as Host: exit code 0 if the site answers, 1 with the reason if not.
#[derive(Debug, Args)]
pub(crate) struct Probe {
    /// What to get, e.g. `http://127.0.0.1:8000/api/method/ping`.
    #[arg(long)]
    url: String,
    /// The site, sent as Host and as X-Frappe-Site-Name.
    #[arg(long)]
    site: String,
    /// Seconds to wait for one answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    timeout: u64,
    /// Seconds in which to ask again until the site answers: a server that starts is given time.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
}

/// Time between two tries.
const PAUSE: Duration = Duration::from_millis(500);

impl Probe {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::run(output, |_| async move {
            let end = Instant::now() + Duration::from_secs(self.wait);
            loop {
                match self.ask().await {
                    Err(_) if Instant::now() < end => tokio::time::sleep(PAUSE).await,
                    outcome => return outcome,
                }
            }
        })
    }

    async fn ask(&self) -> Result<String, Failure> {
        let bound = Duration::from_secs(self.timeout);
        let answer = tokio::time::timeout(bound, self.get()).await;
        let (status, body) = answer
            .map_err(|_| Failure::Unmet(format!("{} gave no answer in {} s", self.url, self.timeout)))??;
        judge(status, &body, &self.site).map(|()| format!("{} answers with {status}", self.site))
    }

    async fn get(&self) -> Result<(StatusCode, String), Failure> {
        let failed =
            |error: &dyn std::fmt::Display| Failure::Unmet(format!("failed to get {}: {error}", self.url));
        let request = Request::get(&self.url)
            .header(hyper::header::HOST, &self.site)
            .header("X-Frappe-Site-Name", &self.site)
            .body(Empty::<Bytes>::new())
            .map_err(|error| failed(&error))?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        let response = client.request(request).await.map_err(|error| failed(&error))?;
        let status = response.status();
        // The body only tells what kind of 404 it is.
        let body =
            Limited::new(response.into_body(), 1 << 20).collect().await.map_err(|error| failed(&error))?;
        Ok((status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
    }
}

/// A refusal such as 403 is an answer of the site. So is a 404 that carries Frappe's `exc_type`; one without comes
/// from a bench that has no such site (or from something that is not a bench).
fn judge(status: StatusCode, body: &str, site: &str) -> Result<(), Failure> {
    if status.is_server_error() {
        return Err(Failure::Unmet(format!("{site} answers with {status}")));
    }
    if status == StatusCode::NOT_FOUND && !body.contains("\"exc_type\"") {
        return Err(Failure::Unmet(format!(
            "404 without Frappe's error body: this bench has no site {site}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_site_that_answers_is_ready() {
        assert!(judge(StatusCode::OK, "", "s").is_ok());
        assert!(judge(StatusCode::FORBIDDEN, "", "s").is_ok());
        assert!(judge(StatusCode::NOT_FOUND, r#"{"exc_type":"DoesNotExistError"}"#, "s").is_ok());
        assert!(judge(StatusCode::NOT_FOUND, "<p>s.example does not exist</p>", "s").is_err());
        assert!(judge(StatusCode::SERVICE_UNAVAILABLE, "", "s").is_err());
    }
}
