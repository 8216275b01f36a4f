//! Regular expressions for paths and headers (RE2's syntax, which is also that of Go and Rust).
//!
//! Each is anchored: some gateways match the whole path, others any part of it. Names come from `DocType` files and are
//! hostile: every character is a literal here.

/// Longest path of a match that the Gateway API takes.
const MAX_PATH: usize = 1024;
/// Longest value of a header's match that the Gateway API takes.
const MAX_HEADER: usize = 4096;

/// Paths of the methods of an app: `/api/method/crm.api.deal.list`, also with a version.
pub(super) fn methods(app: &str) -> String {
    format!(r"^/api/(?:v[12]/)?method/{}\..*$", literal(app))
}

/// Paths of documents and lists of `DocTypes`, in both versions of the API.
pub(super) fn documents<'a>(doctypes: impl Iterator<Item = &'a str>) -> Vec<String> {
    let before = "^/api/(?:v[12]/)?(?:resource|document|doctype|method)/(?:";
    joined(before, doctypes.map(encoded), ")(?:/.*)?$", MAX_PATH)
}

/// Values of `X-Frappe-Doctype`, which the desk sends URI-encoded.
pub(super) fn doctype_headers<'a>(doctypes: impl Iterator<Item = &'a str>) -> Vec<String> {
    joined("^(?:", doctypes.map(encoded), ")$", MAX_HEADER)
}

/// Value of `X-Frappe-CMD` for the methods of an app.
pub(super) fn commands(app: &str) -> String {
    format!(r"^{}\..*$", literal(app))
}

/// Paths of pages and what lies below them.
pub(super) fn pages<'a>(pages: impl Iterator<Item = &'a str>) -> Vec<String> {
    joined("^/(?:", pages.map(literal), ")(?:/.*)?$", MAX_PATH)
}

/// Paths of assets.
pub(super) fn assets<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<String> {
    joined("^/assets/(?:", paths.map(encoded_path), ")$", MAX_PATH)
}

/// Alternatives put together to as few expressions as the limit allows; one that is longer by itself is left out.
fn joined(before: &str, parts: impl Iterator<Item = String>, after: &str, limit: usize) -> Vec<String> {
    let room = limit - before.len() - after.len();
    let mut all: Vec<String> = Vec::new();
    for part in parts.filter(|part| part.len() <= room) {
        match all.last_mut() {
            Some(last) if last.len() + 1 + part.len() <= room => {
                last.push('|');
                last.push_str(&part);
            }
            Some(_) | None => all.push(part),
        }
    }
    all.into_iter().map(|part| format!("{before}{part}{after}")).collect()
}

/// A text that stands for itself.
fn literal(text: &str) -> String {
    text.chars().map(literal_character).collect()
}

fn literal_character(character: char) -> String {
    if character.is_ascii_punctuation() && !matches!(character, '_' | '-' | '/' | '%') {
        format!("\\{character}")
    } else {
        character.to_string()
    }
}

/// A name as clients put it into a path: every character that is not plain may be percent-encoded, in either case, and
/// those that are allowed in a path may also stand as they are.
fn encoded(name: &str) -> String {
    name.chars().map(encoded_character).collect()
}

/// The same for a path: its slashes are slashes.
fn encoded_path(path: &str) -> String {
    path.split('/').map(encoded).collect::<Vec<_>>().join("/")
}

fn encoded_character(character: char) -> String {
    if character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | '~') {
        return literal_character(character);
    }
    let mut buffer = [0; 4];
    let bytes = character.encode_utf8(&mut buffer).bytes();
    let percent: String =
        bytes.flat_map(|byte| ["%".to_owned(), digit(byte >> 4), digit(byte & 15)]).collect();
    // What RFC 3986 allows in a segment of a path.
    if "!$&'()*+,;=:@".contains(character) {
        format!("(?:{percent}|{})", literal_character(character))
    } else {
        percent
    }
}

/// A hexadecimal digit in either case.
fn digit(half: u8) -> String {
    match char::from_digit(u32::from(half), 16) {
        Some(letter) if letter.is_ascii_alphabetic() => format!("[{letter}{}]", letter.to_ascii_uppercase()),
        Some(number) => number.to_string(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    fn compiled(patterns: &[String]) -> Vec<Regex> {
        patterns.iter().map(|pattern| Regex::new(pattern).unwrap()).collect()
    }

    fn matches(patterns: &[String], text: &str) -> bool {
        compiled(patterns).iter().any(|pattern| pattern.is_match(text))
    }

    #[test]
    fn a_doctype_is_found_however_its_name_is_encoded() {
        let patterns = documents(["Sales Order", "Größe (neu)", "R&D"].into_iter());
        for path in [
            "/api/resource/Sales%20Order",
            "/api/resource/Sales%20Order/SO-0001",
            "/api/v1/resource/Sales%20Order",
            "/api/v2/document/Sales%20Order/SO/1/method/submit/",
            "/api/v2/doctype/Sales%20Order/meta",
            "/api/resource/Gr%C3%B6%c3%9Fe%20(neu)",
            "/api/resource/Gr%C3%B6%C3%9Fe%20%28neu%29/x",
            "/api/resource/R%26D",
            "/api/resource/R&D",
        ] {
            assert!(matches(&patterns, path), "{path}");
        }
        for path in [
            "/api/resource/Sales%20Order%20Item",
            "/api/resource/Sales",
            "/x/api/resource/R&D",
            "/api/resource",
        ] {
            assert!(!matches(&patterns, path), "{path}");
        }
    }

    #[test]
    fn an_app_owns_its_methods_and_not_those_of_a_longer_name() {
        let pattern = [methods("crm")];
        assert!(matches(&pattern, "/api/method/crm.api.list") && matches(&pattern, "/api/v2/method/crm.x"));
        assert!(!matches(&pattern, "/api/method/crmx.api") && !matches(&pattern, "/api/method/login"));
    }

    #[test]
    fn pages_and_assets_end_where_they_end() {
        let page = pages(["crm", "book_appointment"].into_iter());
        assert!(matches(&page, "/crm") && matches(&page, "/crm/deals/1") && !matches(&page, "/crmx"));
        let asset = assets(["frappe/dist/js/desk.bundle.A1+.js"].into_iter());
        assert!(matches(&asset, "/assets/frappe/dist/js/desk.bundle.A1+.js"));
        assert!(!matches(&asset, "/assets/frappe/dist/js/deskxbundle.A1+.js"));
    }

    fn percent(text: &str) -> String {
        text.bytes()
            .map(|byte| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    char::from(byte).to_string()
                }
                _ => format!("%{byte:02X}"),
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn every_name_matches_itself_alone(
            names in prop::collection::btree_set("[^\\p{Cc}]{1,61}", 1..12),
            other in "[^\\p{Cc}]{1,20}",
        ) {
            let paths = documents(names.iter().map(String::as_str));
            let headers = doctype_headers(names.iter().map(String::as_str));
            prop_assert!(paths.iter().all(|path| path.len() <= MAX_PATH));
            let (paths, headers) = (compiled(&paths), compiled(&headers));
            let is_in = |patterns: &[Regex], text: &str| patterns.iter().any(|pattern| pattern.is_match(text));
            for name in &names {
                // A long name of characters that are all encoded takes more than a path may have.
                if encoded(name).len() < 900 {
                    let path = format!("/api/resource/{}", percent(name));
                    prop_assert!(is_in(&paths, &path), "{path}");
                }
                prop_assert!(is_in(&headers, &percent(name)));
            }
            prop_assert_eq!(is_in(&headers, &percent(&other)), names.contains(&other));
        }
    }
}
