//! What is needed of an app's Python files, found as text: the version, the scheduler's events, the pages.

/// The literal in `__version__ = "15.41.0"`.
pub(super) fn version(source: &str) -> Option<String> {
    let line = source.lines().find(|line| line.trim_start().starts_with("__version__"))?;
    let (_, value) = line.split_once('=')?;
    let value = value.trim();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    value[1..].split(quote).next().map(str::to_owned)
}

/// The text of `scheduler_events = {...}` without comments and white space; `None` if hooks have none.
///
/// Anything that cannot be bounded (a name, a call) gives the rest of the file: then any edit counts as a difference.
pub(super) fn scheduler_events(source: &str) -> Option<String> {
    let start = source.lines().scan(0, |at, line| {
        let here = *at;
        *at += line.len() + 1;
        Some((here, line))
    });
    let mut starts = start.filter(|(_, line)| line.starts_with("scheduler_events"));
    let (at, _) = starts.next()?;
    Some(literal(source.get(at..).unwrap_or("")))
}

/// The first parts of the paths in `{"from_route": "/crm/<path:app_path>", ...}`.
pub(super) fn pages(source: &str) -> impl Iterator<Item = &str> {
    source.split("from_route").skip(1).filter_map(|rest| {
        let rest = rest.trim_start_matches(['"', '\'']).trim_start().strip_prefix([':', '='])?.trim_start();
        let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        page(rest[1..].split(quote).next()?)
    })
}

/// The first part of a path, if it is a page's of its own: no pattern, and nothing that belongs to the framework.
pub(super) fn page(path: &str) -> Option<&str> {
    /// Paths that every bench has, whatever an app says.
    const COMMON: [&str; 14] = [
        "api",
        "app",
        "assets",
        "desk",
        "files",
        "index",
        "login",
        "logout",
        "me",
        "private",
        "public",
        "robots",
        "socket.io",
        "sitemap",
    ];
    let first = path.trim_start_matches('/').split('/').next()?;
    let is_plain = !first.is_empty()
        && first.len() <= 140
        && first.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '-'));
    (is_plain && !COMMON.contains(&first)).then_some(first)
}

fn literal(source: &str) -> String {
    let mut depth = 0_i64;
    let mut quote = None;
    let mut in_comment = false;
    let mut kept = String::new();
    for character in source.chars() {
        match (quote, character) {
            (_, '\n') if in_comment => in_comment = false,
            _ if in_comment => {}
            (Some(open), _) => {
                kept.push(character);
                if character == open {
                    quote = None;
                }
            }
            (None, '#') => in_comment = true,
            (None, '"' | '\'') => {
                kept.push(character);
                quote = Some(character);
            }
            (None, _) if character.is_whitespace() => {}
            (None, _) => {
                kept.push(character);
                depth += i64::from(matches!(character, '{' | '[' | '('));
                depth -= i64::from(matches!(character, '}' | ']' | ')'));
                if depth == 0 && character == '}' {
                    return kept;
                }
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_literal() {
        assert_eq!(version("import x\n__version__ = \"15.1.0\"  # no\n").as_deref(), Some("15.1.0"));
        assert_eq!(version("__version__ = read()\n"), None);
        assert_eq!(version(""), None);
    }

    #[test]
    fn pages_are_the_first_parts_of_routes_without_patterns() {
        let source = r#"website_route_rules = [
            {"from_route": "/crm/<path:app_path>", "to_route": "crm"}, {'from_route' : '/orders'},
            dict(from_route="/lms", to_route="x"), {"from_route": "/<path:name>", "to_route": "y"},
            {"from_route": "/app/x"}, {"from_route": PREFIX + "/z"}]"#;
        assert_eq!(pages(source).collect::<Vec<_>>(), ["crm", "orders", "lms"]);
    }

    #[test]
    fn events_end_where_their_bracket_closes() {
        let source = "app = 'x'\nscheduler_events = {\n  # all\n  'all': ['a.b}'],\n}\nother = {}\n";
        assert_eq!(scheduler_events(source).as_deref(), Some("scheduler_events={'all':['a.b}'],}"));
        assert_eq!(scheduler_events("x = 1"), None);
    }
}
