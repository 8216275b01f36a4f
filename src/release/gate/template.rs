//! Texts of webhooks by a template of the user's, in the language of Jinja.
//!
//! Who may write a FrappeRelease is not trusted with the operator's memory and time. So a template has no loops, no
//! assignments, no calls and no arithmetic: it can get no longer than what it is made of, and what it may name is what the
//! webhook is told anyway. No Secret is anywhere near.

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, escape_formatter, filters};
use serde_json::{Value, json};

use crate::api::webhook::BodyFormat;

/// Steps of one rendering.
const FUEL: u64 = 20_000;
/// Bytes of one text: Slack takes 40,000 characters, others less.
const MAX_TEXT: usize = 16 * 1024;
/// The tags that a template may have.
const TAGS: [&str; 4] = ["if", "elif", "else", "endif"];

/// The body of a webhook by its template; `facts` is what the webhook would be told without one, and `text`.
///
/// # Errors
/// What is wrong with the template, and in which line.
pub(super) fn body(format: BodyFormat, template: &str, facts: &Value) -> Result<Value, String> {
    let text = render(format, template, facts)?;
    match format {
        BodyFormat::Slack => Ok(json!({ "text": text })),
        BodyFormat::Flagger => {
            let mut body = facts.clone();
            body["text"] = Value::String(text);
            Ok(body)
        }
        BodyFormat::Template => serde_json::from_str(&text).map_err(|error| {
            format!("with format: Template it must give JSON, and gives {text:.80}: {error}")
        }),
    }
}

fn render(format: BodyFormat, template: &str, facts: &Value) -> Result<String, String> {
    refuse_what_grows(template)?;
    let environment = environment(format);
    let compiled = environment.template_from_str(template).map_err(|error| words(&error))?;
    let mut named: Vec<String> = compiled.undeclared_variables(true).into_iter().collect();
    named.sort();
    if let Some(unknown) = named.iter().find(|name| !is_there(name, facts)) {
        return Err(format!(
            "line {}: nothing is called {unknown}; {}",
            line_of(template, unknown),
            known(facts)
        ));
    }
    let text = compiled.render(Serde(facts)).map_err(|error| words(&error))?;
    if text.len() > MAX_TEXT {
        return Err(format!("its text has {} bytes, {MAX_TEXT} may be sent", text.len()));
    }
    Ok(text)
}

fn environment(format: BodyFormat) -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.add_filter("upper", filters::upper);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("title", filters::title);
    match format {
        BodyFormat::Flagger => {}
        // Names and notes come from users and servers: they must not ring a channel.
        BodyFormat::Slack => environment
            .set_formatter(|out, _, value| out.write_str(&plain(&value.to_string())).map_err(Error::from)),
        BodyFormat::Template => {
            environment.set_auto_escape_callback(|_| AutoEscape::Json);
            environment.set_formatter(escape_formatter);
        }
    }
    environment
}

/// What Slack takes for markup, escaped as its documentation says ("Escaping text").
pub(super) fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Refuses tags and operators by which a short template could make a long text. Texts in quotes are read as the language
/// reads them.
fn refuse_what_grows(template: &str) -> Result<(), String> {
    let mut rest = template;
    while let Some(at) = ["{{", "{%", "{#"].iter().filter_map(|open| rest.find(open)).min() {
        let (line, open) = (line_at(template, rest, at), &rest[at..at + 2]);
        let inside = &rest[at + 2..];
        if open == "{#" {
            rest = inside.split_once("#}").map_or("", |(_, after)| after);
            continue;
        }
        if open == "{%" {
            let word = inside.trim_start_matches(['-', '+']).trim_start();
            let word = word.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            if !TAGS.contains(&word) {
                return Err(format!(
                    "line {line}: {{% {word} %}} is not allowed; there are {}",
                    TAGS.join(", ")
                ));
            }
        }
        let close = if open == "{{" { "}}" } else { "%}" };
        rest = after_tag(inside, close).map_err(|wrong| {
            format!("line {line}: {wrong:?} is not allowed in a tag: it holds names, texts, comparisons and filters")
        })?;
    }
    Ok(())
}

/// What follows a tag; the character in it that may not be there.
fn after_tag<'t>(inside: &'t str, close: &str) -> Result<&'t str, char> {
    let (mut quote, mut is_escaped) = (None, false);
    for (at, c) in inside.char_indices() {
        if is_escaped {
            is_escaped = false;
        } else if let Some(delimiter) = quote {
            is_escaped = c == '\\';
            quote = Some(delimiter).filter(|delimiter| *delimiter != c);
        } else if inside[at..].starts_with(close) {
            return Ok(&inside[at + close.len()..]);
        } else if c == '"' || c == '\'' {
            quote = Some(c);
        } else if !(c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || "_.|()=!<>,-".contains(c)) {
            return Err(c);
        }
    }
    // It has no end, which the language itself says better.
    Ok("")
}

/// The line of a place `at` bytes into the `rest` of a text, from 1.
fn line_at(text: &str, rest: &str, at: usize) -> usize {
    let before = text.len() - rest.len() + at;
    text.bytes().take(before).filter(|byte| *byte == b'\n').count() + 1
}

/// The first line that has a name.
fn line_of(template: &str, name: &str) -> usize {
    template.lines().position(|line| line.contains(name)).map_or(1, |at| at + 1)
}

fn is_there(path: &str, facts: &Value) -> bool {
    path.split('.').try_fold(facts, |value, key| value.get(key)).is_some()
}

fn known(facts: &Value) -> String {
    let names = |value: &Value, before: &str| -> Vec<String> {
        value.as_object().into_iter().flatten().map(|(key, _)| format!("{before}{key}")).collect()
    };
    let mut all = names(facts, "");
    all.retain(|name| name != "metadata");
    all.extend(names(&facts["metadata"], "metadata."));
    format!("there are {}", all.join(", "))
}

fn words(error: &Error) -> String {
    let line = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
    if error.kind() == ErrorKind::OutOfFuel {
        return format!("{line}it takes too many steps");
    }
    match error.detail() {
        Some(detail) => format!("{line}{}: {detail}", error.kind()),
        None => format!("{line}{}", error.kind()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Value {
        json!({"name": "erp", "namespace": "shop", "phase": "Shifting", "revision": 2, "point": "Event",
            "text": "a sentence", "metadata": {"team": "<!channel> \"&\" {{ name }}", "eventType": "Warning"}})
    }

    fn made(format: BodyFormat, template: &str) -> Result<Value, String> {
        body(format, template, &facts())
    }

    #[test]
    fn a_template_is_the_text_or_the_whole_body() {
        let text = "{# for the shop #}{% if metadata.eventType == \"Warning\" -%} {{ name|upper }}/{{ namespace }} at {{ phase }} {%- endif %}";
        assert_eq!(made(BodyFormat::Slack, text), Ok(json!({"text": "ERP/shop at Shifting"})));
        let flagger = made(BodyFormat::Flagger, text).unwrap();
        assert_eq!((&flagger["text"], &flagger["revision"]), (&json!("ERP/shop at Shifting"), &json!(2)));
        let whole = "{\"summary\": {{ text }}, \"n\": {{ revision }}}";
        assert_eq!(made(BodyFormat::Template, whole), Ok(json!({"summary": "a sentence", "n": 2})));
    }

    #[test]
    fn a_value_is_text_and_never_markup_nor_a_template() {
        let slack = made(BodyFormat::Slack, "*<!here>* {{ metadata.team }}").unwrap();
        assert_eq!(slack["text"], "*<!here>* &lt;!channel&gt; \"&amp;\" {{ name }}");
        let whole = made(BodyFormat::Template, "{\"t\": {{ metadata.team }}}").unwrap();
        assert_eq!(whole["t"], facts()["metadata"]["team"]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (template, expected) in [
            (
                "one\n{{ nmae }}",
                "line 2: nothing is called nmae; there are name, namespace, phase, point, revision, text, metadata.eventType, metadata.team",
            ),
            ("{{ metadata.nobody }}", "line 1: nothing is called metadata.nobody"),
            ("{{ metadata[\"nobody\"] }}", "line 1: '[' is not allowed"),
            ("\n\n{{ name|shout }}", "line 3: unknown filter"),
            ("{% if name %}", "line 1: syntax error"),
            ("{{ name", "line 1: syntax error"),
            ("{{ \"name", "line 1: syntax error"),
        ] {
            let wrong = made(BodyFormat::Slack, template).unwrap_err();
            assert!(wrong.starts_with(expected), "{template}: {wrong}");
        }
        let wrong = made(BodyFormat::Template, "hello").unwrap_err();
        assert!(wrong.starts_with("with format: Template it must give JSON"), "{wrong}");
    }

    #[test]
    fn a_hostile_template_is_refused_before_it_costs_anything() {
        let doubled = format!("{{% set a = text %}}{}{{{{ a }}}}", "{%set a=a~a%}".repeat(60));
        let nested = format!("{}x{}", "{%for i in [text~text]%}".repeat(60), "{%endfor%}".repeat(60));
        for template in [
            &doubled,
            &nested,
            "{{ \"x\" * 100000000 }}",
            "{{ \"}}\" * 100000000 }}",
            "{{ '\\'}}' * 100000000 }}",
            "{#{{#}{{ \"x\" * 9 }}",
            "{%- set a = 1 %}",
            "{%+set a = 1 %}",
            "{%\nset a = 1 %}",
            "{% raw %}{% endraw %}",
            "{% macro a() %}{% endmacro %}",
            "{% include \"/etc/passwd\" %}",
            "{{ text ~ text }}",
            "{{ [text] }}",
            "{{ 9 ** 9 }}",
        ] {
            let wrong = made(BodyFormat::Slack, template).unwrap_err();
            assert!(wrong.contains("is not allowed"), "{template:.60}: {wrong}");
        }
        for template in [
            "{{ range(100000) }}",
            "{{ name.upper() }}",
            "{{ self }}",
            "{{ env.HOME }}",
            "{{ name.__class__ }}",
        ] {
            assert!(made(BodyFormat::Slack, template).is_err(), "{template}");
        }
        let deep = format!("{{{{ {}name{} }}}}", "(".repeat(2000), ")".repeat(2000));
        assert!(made(BodyFormat::Slack, &deep).is_err());
        let long = "{{ text }}".repeat(MAX_TEXT / 10 + 1);
        assert!(made(BodyFormat::Slack, &long).is_err());
    }
}
