//! A query to Prometheus: `POST /api/v1/query`, which takes queries of any length.

use std::time::Duration;

use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde::Deserialize;

use super::client::{Request, Wire};
use crate::api::analysis::Prometheus;
use crate::release::gate::{Reading, Value};

/// Asks; the second part must not be shown.
pub(super) async fn ask(wire: &Wire, asked: &Prometheus, timeout: Duration) -> (Reading, Vec<String>) {
    let (mut headers, hidden) = match wire.headers(&asked.headers).await {
        Ok(headers) => headers,
        Err(why) => return (Reading::Broken(why), Vec::new()),
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let form = form_urlencoded::Serializer::new(String::new()).append_pair("query", &asked.query).finish();
    let request = Request {
        method: Method::POST,
        url: format!("{}/api/v1/query", asked.address.trim_end_matches('/')),
        headers,
        body: form.into_bytes(),
        timeout,
    };
    let reading = match wire.send(request, asked.ca_secret.as_ref()).await {
        Ok(answer) => read(&answer.body)
            .unwrap_or_else(|| Reading::Broken(format!("Prometheus answers {}", answer.words()))),
        Err(why) => Reading::Broken(why),
    };
    (reading, hidden)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    status: String,
    #[serde(default)]
    error: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: serde_json::Value,
}

/// The value in an answer; `None` if it is none of Prometheus's.
fn read(body: &[u8]) -> Option<Reading> {
    let body: Body = serde_json::from_slice(body).ok()?;
    let Some(data) = body.data.filter(|_| body.status == "success") else {
        return Some(Reading::Broken(format!("Prometheus: {}", body.error)));
    };
    let sample = match data.result_type.as_str() {
        "scalar" => data.result,
        "vector" => match data.result.as_array()?.as_slice() {
            [] => return Some(Reading::Nothing("the query gives no series".to_owned())),
            [one] => one.get("value")?.clone(),
            several => {
                let words = format!("the query gives {} series: sum them up, or choose one", several.len());
                return Some(Reading::Broken(words));
            }
        },
        other => return Some(Reading::Broken(format!("the query gives a {other}: it must give one number"))),
    };
    let number: f64 = sample.get(1)?.as_str()?.parse().ok()?;
    if number.is_nan() {
        return Some(Reading::Nothing("the query gives NaN".to_owned()));
    }
    Some(Reading::Value(Value::Number(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(result: &str) -> Option<Reading> {
        read(
            format!(r#"{{"status":"success","data":{{"resultType":"vector","result":{result}}}}}"#)
                .as_bytes(),
        )
    }

    fn number(value: f64) -> Reading {
        Reading::Value(Value::Number(value))
    }

    #[test]
    fn a_query_must_give_one_number() {
        assert_eq!(vector(r#"[{"metric":{},"value":[1700000000.5,"0.25"]}]"#), Some(number(0.25)));
        assert_eq!(vector(r#"[{"metric":{},"value":[1,"+Inf"]}]"#), Some(number(f64::INFINITY)));
        let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"3"]}}"#;
        assert_eq!(read(scalar.as_bytes()), Some(number(3.0)));
        assert_eq!(vector("[]"), Some(Reading::Nothing("the query gives no series".into())));
        assert_eq!(
            vector(r#"[{"metric":{},"value":[1,"NaN"]}]"#),
            Some(Reading::Nothing("the query gives NaN".into()))
        );
        let two = vector(r#"[{"metric":{},"value":[1,"1"]},{"metric":{},"value":[1,"2"]}]"#);
        assert!(matches!(two, Some(Reading::Broken(words)) if words.contains("2 series")));
    }

    #[test]
    fn what_prometheus_says_of_a_wrong_query_is_said() {
        let wrong = br#"{"status":"error","errorType":"bad_data","error":"parse error: unexpected end"}"#;
        assert_eq!(read(wrong), Some(Reading::Broken("Prometheus: parse error: unexpected end".into())));
        assert_eq!(read(b"<html>"), None);
    }
}
