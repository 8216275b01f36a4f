//! What the planner needs of an app's Python files, found as text: the version and the scheduler's events.

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
    fn events_end_where_their_bracket_closes() {
        let source = "app = 'x'\nscheduler_events = {\n  # all\n  'all': ['a.b}'],\n}\nother = {}\n";
        assert_eq!(scheduler_events(source).as_deref(), Some("scheduler_events={'all':['a.b}'],}"));
        assert_eq!(scheduler_events("x = 1"), None);
    }
}
