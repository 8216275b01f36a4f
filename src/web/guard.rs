//! Who may ask: the page that this server gave out, in the browser of the user who started it, and nobody else.
//!
//! Every request is held to four things. It must name this server in `Host` (a name that a stranger's DNS leads here is none of
//! ours). `Origin` and `Sec-Fetch-Site`, where the browser sends them, must be the page's own. It must bear the cookie that
//! only the address with the key gives, for other users of the machine reach loopback too. And what changes or computes
//! something must bear the token that stands in the page.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The page runs under exactly this: nothing from elsewhere, no inline script or style, no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Header with the token.
const TOKEN_HEADER: &str = "x-csrf-token";

/// What the server lets in.
pub(super) struct Guard {
    address: SocketAddr,
    /// What the printed address ends in.
    key: String,
    /// What the page sends with each request.
    token: String,
}

impl Guard {
    /// A guard with a key and a token of its own.
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, key: secret(), token: secret() }
    }

    /// The address that lets a browser in, as it is printed.
    pub(super) fn invitation(&self) -> String {
        format!("http://{}/?key={}", self.address, self.key)
    }

    /// The token for the page.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Browsers send a cookie to all ports of a host: each server needs a name of its own.
    fn cookie(&self) -> String {
        format!("crossfade_{}", self.address.port())
    }

    fn hosts(&self) -> [String; 2] {
        [self.address.to_string(), format!("localhost:{}", self.address.port())]
    }

    /// Why a request is not let in.
    fn refuse(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
        let value = |name: header::HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let is_ours = |host: &str| self.hosts().iter().any(|own| own == host);
        if !value(header::HOST).is_some_and(is_ours) {
            return Some((StatusCode::MISDIRECTED_REQUEST, "this server answers on loopback alone"));
        }
        let origin = value(header::ORIGIN);
        if origin.is_some_and(|origin| !origin.strip_prefix("http://").is_some_and(is_ours)) {
            return Some((StatusCode::FORBIDDEN, "another site may not ask"));
        }
        let site = headers.get("sec-fetch-site").map(|value| value.to_str().unwrap_or("?"));
        // A person may come from anywhere to the page itself; what it loads is asked for by itself.
        let is_visit = method == Method::GET && path == "/";
        if !is_visit && site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
            return Some((StatusCode::FORBIDDEN, "another site may not ask"));
        }
        if !self.has_cookie(headers) {
            return Some((
                StatusCode::UNAUTHORIZED,
                "open the address that the command has printed: it bears the key",
            ));
        }
        let token = headers.get(TOKEN_HEADER).map(|value| value.to_str().unwrap_or("?"));
        if method != Method::GET && !token.is_some_and(|token| is_same(token, &self.token)) {
            return Some((StatusCode::FORBIDDEN, "the page is of an earlier start: load it again"));
        }
        None
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.any(|(name, value)| name == self.cookie() && is_same(value, &self.key))
    }

    /// The answer to a visit with the key: the cookie, and the way to the page without the key in its address.
    fn admit(&self, request: &Request) -> Option<Response> {
        let query = request.uri().query().filter(|_| request.uri().path() == "/")?;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let has_key = pairs.any(|(name, value)| name == "key" && is_same(&value, &self.key));
        let is_ours = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        if !has_key || !is_ours.is_some_and(|host| self.hosts().iter().any(|own| own == host)) {
            return None;
        }
        let cookie = format!("{}={}; HttpOnly; SameSite=Strict; Path=/", self.cookie(), self.key);
        Some(
            (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, "/".to_owned())])
                .into_response(),
        )
    }
}

/// Lets a request through or refuses it, and puts the headers on that every answer bears.
pub(super) async fn watch(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = match guard.admit(&request) {
        Some(response) => response,
        None => match guard.refuse(request.method(), &path, request.headers()) {
            Some(refusal) => refusal.into_response(),
            None => next.run(request).await,
        },
    };
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set("content-security-policy", POLICY);
    set("x-content-type-options", "nosniff");
    set("referrer-policy", "no-referrer");
    set("cross-origin-opener-policy", "same-origin");
    set("cross-origin-resource-policy", "same-origin");
    set("cache-control", "no-store");
    response
}

/// 128 bits that nobody can guess.
fn secret() -> String {
    hex::encode(rand::random::<[u8; 16]>())
}

/// Compares in the same time whatever is wrong: hashes of [`blake3`] are compared so.
fn is_same(given: &str, known: &str) -> bool {
    blake3::hash(given.as_bytes()) == blake3::hash(known.as_bytes())
}
