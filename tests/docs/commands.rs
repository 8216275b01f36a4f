//! What pages tell their readers to type: `crossfade` by its own parser, `make` by the Makefile, `helm` by the charts.

use std::collections::BTreeSet;
use std::fs;

use clap::error::ErrorKind;
use regex::Regex;
use serde_yaml::Value;

use super::page::{self, root};

/// What ends a command in a line of the shell.
const ENDS: [&str; 5] = ["|", "||", "&&", ";", "&"];
/// What leads to a file, or from one.
const LEADS: [&str; 4] = [">", ">>", "<", "2>&1"];

/// The commands of a block, as words: lines that go on are joined, what the shell would fill in is 1.
pub(super) fn commands(block: &str) -> Vec<Vec<String>> {
    let filled = Regex::new(r"\$\([^()]*\)|\$\{[^}]*\}|\$[A-Za-z_]+").unwrap();
    let joined = block.replace("\\\n", " ");
    let mut found: Vec<Vec<String>> = Vec::new();
    for line in joined.lines() {
        let line = line.trim_start().trim_start_matches("$ ");
        let line = filled.replace_all(line, "1");
        let words = shlex::split(&line).unwrap_or_default();
        for command in words.split(|word| ENDS.contains(&word.as_str())) {
            let is_set = |word: &&String| {
                word.split_once('=')
                    .is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
            };
            let leads = |word: &&String| LEADS.contains(&word.as_str());
            let command = command.iter().skip_while(is_set).take_while(|word| !leads(word));
            found.push(command.cloned().collect());
        }
    }
    found.retain(|command| !command.is_empty());
    found
}

/// The arguments of `crossfade ...` or `kubectl crossfade ...`, without the brackets around what may be left out.
fn arguments(command: &[String]) -> Option<Vec<String>> {
    let arguments = match command {
        [first, second, rest @ ..] if first == "kubectl" && second == "crossfade" => rest,
        [first, rest @ ..] if first == "crossfade" => rest,
        _ => return None,
    };
    let bare = |word: &String| word.trim_start_matches('[').trim_end_matches(']').to_owned();
    Some(std::iter::once("crossfade".to_owned()).chain(arguments.iter().map(bare)).collect())
}

/// What clap says against a command line.
fn refusal(arguments: &[String]) -> Option<clap::Error> {
    let error = crossfade::cli::command().try_get_matches_from(arguments).err()?;
    (!matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)).then_some(error)
}

#[test]
fn every_command_line_of_crossfade_parses() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for page in page::all() {
        for block in page.blocks().iter().filter(|block| block.language != "text") {
            for arguments in commands(&block.text).iter().filter_map(|command| arguments(command)) {
                seen += 1;
                if let Some(error) = refusal(&arguments) {
                    let said = arguments.join(" ");
                    wrong.push(format!("{}:{}: {said}\n{error}", page.path.display(), block.line));
                }
            }
        }
    }
    assert!(seen > 20, "only {seen} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with a command in a sentence, which may leave out what it needs but names nothing that is not there.
fn wrong_in_a_sentence(mut arguments: Vec<String>) -> Option<clap::Error> {
    arguments.retain(|word| word != "...");
    let mut error = refusal(&arguments)?;
    if error.kind() == ErrorKind::InvalidValue && arguments.last().is_some_and(|last| last.starts_with("--"))
    {
        // An option without its value.
        arguments.push("1".to_owned());
        error = refusal(&arguments)?;
    }
    let is_less = matches!(
        error.kind(),
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    (!is_less).then_some(error)
}

#[test]
fn every_command_in_a_sentence_is_there() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for page in page::all() {
        for (span, line) in page.spans() {
            if !span.starts_with("crossfade ") && !span.starts_with("kubectl crossfade ") {
                continue;
            }
            // `crossfade isolate | expand` are two commands.
            let span = span.replace(" | ", " ; crossfade ");
            for arguments in commands(&span).iter().filter_map(|command| arguments(command)) {
                seen += 1;
                let error = wrong_in_a_sentence(arguments);
                wrong.extend(error.map(|error| format!("{}:{line}: {span}\n{error}", page.path.display())));
            }
        }
    }
    assert!(seen > 20, "only {seen} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_make_target_is_there() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let rule = Regex::new(r"(?m)^([a-z0-9-]+):").unwrap();
    let targets: BTreeSet<&str> =
        rule.captures_iter(&makefile).map(|found| found.get(1).unwrap().as_str()).collect();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for page in page::all() {
        let spans = page.spans().into_iter();
        let blocks = page.blocks().into_iter().map(|block| (block.text, block.line));
        for (text, line) in spans.chain(blocks) {
            for command in commands(&text).iter().filter(|command| command[0] == "make") {
                for target in command[1..].iter().filter(|word| !word.contains('=') && !word.starts_with('-'))
                {
                    seen += 1;
                    if !targets.contains(target.as_str()) {
                        wrong.push(format!("{}:{line}: make {target}", page.path.display()));
                    }
                }
            }
        }
    }
    assert!(seen > 20, "only {seen} targets were found");
    assert!(wrong.is_empty(), "the Makefile has no such target:\n{}", wrong.join("\n"));
}

#[test]
fn what_helm_is_told_to_set_is_a_value_of_the_chart() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for page in page::all() {
        for block in page.blocks() {
            for command in commands(&block.text).iter().filter(|command| command[0] == "helm") {
                let Some(chart) = command.iter().find(|word| word.starts_with("charts/")) else { continue };
                let path = root().join(chart).join("values.yaml");
                let values = fs::read_to_string(&path).unwrap_or_else(|error| {
                    panic!("{}:{}: {chart}: {error}", page.path.display(), block.line)
                });
                let values: Value = serde_yaml::from_str(&values).unwrap();
                let set = command.windows(2).filter(|two| two[0].starts_with("--set")).map(|two| &two[1]);
                for (name, _) in set.flat_map(|set| set.split(',')).filter_map(|set| set.split_once('=')) {
                    seen += 1;
                    let name = name.split_once('{').map_or(name, |(name, _)| name);
                    let found = name
                        .split('.')
                        .try_fold(&values, |value, key| value.get(key.split('[').next().unwrap()));
                    if found.is_none() {
                        wrong.push(format!(
                            "{}:{}: {chart} has no value {name}",
                            page.path.display(),
                            block.line
                        ));
                    }
                }
            }
        }
    }
    assert!(seen > 3, "only {seen} values were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
