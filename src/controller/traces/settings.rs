//! Where traces go and how, by the command line and by the variables of OpenTelemetry's specification. What the SDK reads
//! itself (headers, sampler, limits, compression) is not here.

use std::time::Duration;

use hyper::Uri;

use super::TracesError;

/// How long the collector may take for a batch unless told otherwise, as the specification has it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where to send and how.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Settings {
    /// The whole address, with the path.
    pub(super) endpoint: String,
    /// How long one request may take.
    pub(super) timeout: Duration,
    /// File with the certificates to trust, as PEM; none for the public ones.
    pub(super) certificates: Option<String>,
}

impl Settings {
    /// Reads them; `None` if nobody says where to, or if OpenTelemetry's variables turn it off.
    pub(super) fn read(
        endpoint: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, TracesError> {
        // What is for traces alone goes before what is for all that OTLP carries.
        let of_traces = |name: &str| {
            let own = variable(&format!("OTEL_EXPORTER_OTLP_TRACES_{name}"));
            own.or_else(|| variable(&format!("OTEL_EXPORTER_OTLP_{name}")))
        };
        let is = |name: &str, word: &str| {
            variable(name).is_some_and(|value| value.trim().eq_ignore_ascii_case(word))
        };
        if is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none") {
            return Ok(None);
        }
        let endpoint = endpoint.map(str::trim).filter(|endpoint| !endpoint.is_empty());
        let endpoint = match (variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), endpoint) {
            (Some(whole), _) => checked(whole.trim().to_owned(), "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")?,
            (None, Some(base)) => {
                let whole = format!("{}/v1/traces", base.trim_end_matches('/'));
                checked(whole, "--otlp-endpoint (OTEL_EXPORTER_OTLP_ENDPOINT)")?
            }
            (None, None) => return Ok(None),
        };
        if let Some(protocol) = of_traces("PROTOCOL").filter(|protocol| protocol.trim() != "http/protobuf") {
            return Err(TracesError::Protocol(protocol));
        }
        let timeout = of_traces("TIMEOUT").and_then(|milliseconds| milliseconds.trim().parse().ok());
        Ok(Some(Self {
            endpoint,
            timeout: timeout.map_or(TIMEOUT, Duration::from_millis),
            certificates: of_traces("CERTIFICATE"),
        }))
    }
}

/// The address may hold a token: it is not repeated.
fn checked(address: String, place: &'static str) -> Result<String, TracesError> {
    let is_address = address.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    });
    if is_address { Ok(address) } else { Err(TracesError::Endpoint { place }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(endpoint: Option<&str>, variables: &[(&str, &str)]) -> Result<Option<Settings>, TracesError> {
        Settings::read(endpoint, |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn endpoint(endpoint: Option<&str>, variables: &[(&str, &str)]) -> Option<String> {
        read(endpoint, variables).unwrap().map(|settings| settings.endpoint)
    }

    #[test]
    fn nothing_is_sent_unless_somebody_says_where_to() {
        assert_eq!(endpoint(None, &[]), None);
        assert_eq!(endpoint(Some(" "), &[("OTEL_EXPORTER_OTLP_HEADERS", "a=b")]), None);
        let there = Some("http://collector:4318");
        for off in [("OTEL_SDK_DISABLED", "True"), ("OTEL_TRACES_EXPORTER", "none")] {
            assert_eq!(endpoint(there, &[off]), None);
        }
        assert_eq!(endpoint(there, &[]).unwrap(), "http://collector:4318/v1/traces");
    }

    #[test]
    fn the_address_is_what_the_specification_makes_of_it() {
        let base = Some("https://collector.example.com/otlp/");
        assert_eq!(endpoint(base, &[]).unwrap(), "https://collector.example.com/otlp/v1/traces");
        let own = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:9000/in")];
        assert_eq!(endpoint(base, &own).unwrap(), "http://traces:9000/in");
        assert_eq!(endpoint(None, &own).unwrap(), "http://traces:9000/in");
    }

    #[test]
    fn what_cannot_work_is_refused_with_what_to_do_and_without_the_address() {
        for wrong in ["collector:4318", "grpc://collector:4317", "http://", "/v1", "http://a b"] {
            let words = read(Some(wrong), &[]).unwrap_err().to_string();
            assert!(words.contains("--otlp-endpoint") && words.contains("http://collector:4318"), "{words}");
        }
        let token = read(Some("htp://user:hunter22@collector"), &[]).unwrap_err().to_string();
        assert!(!token.contains("hunter22"), "{token}");
        let grpc = [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
        let words = read(Some("http://collector:4317"), &grpc).unwrap_err().to_string();
        assert!(words.contains("'grpc'") && words.contains("http/protobuf"), "{words}");
    }

    #[test]
    fn what_is_for_traces_alone_goes_first() {
        let variables = [
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "20000"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "500"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/tls/ca.crt"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
        ];
        let settings = read(Some("http://collector:4318"), &variables).unwrap().unwrap();
        assert_eq!(settings.timeout, Duration::from_millis(500));
        assert_eq!(settings.certificates.as_deref(), Some("/tls/ca.crt"));
        assert_eq!(read(Some("http://c"), &[]).unwrap().unwrap().timeout, TIMEOUT);
    }
}
