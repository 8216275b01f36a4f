//! SQL in strings: verb, tables, columns, with or without WHERE.

use sqlparser::ast::{
    AlterTable, AssignmentTarget, BinaryOperator, Expr, FromTable, ObjectName, ObjectType, Statement,
    TableFactor, TableObject, TableWithJoins,
};
use sqlparser::dialect::MySqlDialect;
use sqlparser::parser::Parser;

use crate::doctype::{Action, Rows, Verb};

use super::module::shortened;
use super::value::HOLE;

/// What stands in a statement for a part that is not known.
const UNKNOWN: &str = "crossfade_not_known";
/// Statements that read, by their first word.
const READS: [&str; 6] = ["SELECT", "SHOW", "DESC", "DESCRIBE", "EXPLAIN", "ANALYZE"];
/// Statements that end a transaction or change the connection alone, by their first word.
const HARMLESS: [&str; 6] = ["COMMIT", "ROLLBACK", "SET", "START", "BEGIN", "SAVEPOINT"];
/// Longer ones are not parsed.
const MAX_SQL: usize = 16 * 1024;

/// What a statement does.
///
/// # Errors
/// The reason why that cannot be said.
pub(super) fn actions(text: &str) -> Result<Vec<Action>, String> {
    if text.len() > MAX_SQL {
        return Err("the statement is too long to be read".to_owned());
    }
    let first = first_word(text);
    if READS.contains(&first.as_str()) || HARMLESS.contains(&first.as_str()) {
        return Ok(Vec::new());
    }
    let shown = shortened(&text.replace(HOLE, "?"));
    let readable = readable(text);
    let parsed = Parser::parse_sql(&MySqlDialect {}, &readable)
        .or_else(|error| Parser::parse_sql(&MySqlDialect {}, &rewritten(&readable).ok_or(error)?));
    let statements = match parsed {
        Ok(statements) => statements,
        Err(_) if is_ddl(&first) => return Ok(vec![unparsed_ddl(text, &first, &shown)?]),
        Err(error) => return Err(format!("the statement is not understood: {error}: {shown}")),
    };
    let mut found = Vec::new();
    for statement in statements {
        of_statement(&statement, &shown, &mut found)?;
    }
    Ok(found)
}

/// The same statement in words that the parser knows, where it is one of those that it does not.
fn rewritten(text: &str) -> Option<String> {
    // Rows that are put together elsewhere: which ones does not matter.
    let rows = ["VALUES", "values"].map(|word| format!("{word} {UNKNOWN}"));
    if let Some(found) = rows.iter().find(|rows| text.contains(rows.as_str())) {
        return Some(text.replace(found.as_str(), "VALUES (NULL)"));
    }
    // `UPDATE a, b SET ...` joins the two as `UPDATE a JOIN b SET ...` does.
    let set = text.to_ascii_lowercase().split_whitespace().position(|word| word == "set")?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let (tables, rest) = words.split_at_checked(set)?;
    let joined = tables.join(" ").replace(',', " JOIN ");
    (first_word(text) == "UPDATE" && joined.contains(" JOIN "))
        .then(|| format!("{joined} {}", rest.join(" ")))
}

fn first_word(text: &str) -> String {
    text.trim_start_matches(|c: char| c.is_whitespace() || c == '(')
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect::<String>()
        .to_uppercase()
}

fn is_ddl(first: &str) -> bool {
    matches!(first, "ALTER" | "DROP" | "TRUNCATE" | "RENAME" | "CREATE" | "OPTIMIZE")
}

/// Placeholders of values (`%s`, `%(name)s`) and parts that are not known as something that parses.
fn readable(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['%', HOLE]) {
        made.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if rest[at..].starts_with(HOLE) {
            made.push_str(UNKNOWN);
            rest = after;
        } else if let Some(after) = after.strip_prefix('s') {
            made.push_str("(NULL)");
            rest = after;
        } else if let Some((_, after)) = after.strip_prefix('(').and_then(|named| named.split_once(")s")) {
            made.push_str("(NULL)");
            rest = after;
        } else {
            made.push('%');
            rest = after.strip_prefix('%').unwrap_or(after);
        }
    }
    made.push_str(rest);
    made
}

fn of_statement(statement: &Statement, shown: &str, found: &mut Vec<Action>) -> Result<(), String> {
    match statement {
        Statement::Query(_) | Statement::ShowTables { .. } => Ok(()),
        Statement::Update(update) => {
            let rows = if update.limit.is_some() { Rows::Some } else { rows(update.selection.as_ref()) };
            let tables = tables(&update.table);
            let mut set: Vec<(String, Vec<String>)> = Vec::new();
            for assignment in &update.assignments {
                let AssignmentTarget::ColumnName(name) = &assignment.target else {
                    return Err(format!("the statement sets several columns at once: {shown}"));
                };
                let parts = parts(name);
                let column = parts.last().cloned().unwrap_or_default();
                let owner = parts.len().checked_sub(2).map(|at| parts[at].clone());
                let table = table_of(owner.as_deref(), &tables, shown)?;
                match set.iter_mut().find(|(known, _)| *known == table) {
                    Some((_, columns)) => columns.push(column),
                    None => set.push((table, vec![column])),
                }
            }
            for (table, columns) in set {
                known(&table, shown)?;
                let is_known = columns.iter().all(|column| !column.contains(UNKNOWN));
                if !is_known {
                    return Err(format!("it is not known which columns are written: {shown}"));
                }
                found.push(Action::WriteRows { verb: Verb::Update, table, columns, rows });
            }
            Ok(())
        }
        Statement::Delete(delete) => {
            let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
            let all: Vec<(String, String)> = from.iter().flat_map(tables).collect();
            let named: Vec<String> = delete.tables.iter().filter_map(|name| parts(name).pop()).collect();
            let rows = if delete.limit.is_some() { Rows::Some } else { rows(delete.selection.as_ref()) };
            let owners: Vec<Option<&str>> = if named.is_empty() {
                vec![None]
            } else {
                named.iter().map(|name| Some(name.as_str())).collect()
            };
            for owner in owners {
                let table = table_of(owner, &all, shown)?;
                known(&table, shown)?;
                found.push(Action::WriteRows { verb: Verb::Delete, table, columns: Vec::new(), rows });
            }
            Ok(())
        }
        Statement::Insert(insert) => {
            let TableObject::TableName(name) = &insert.table else {
                return Err(format!("the statement is not understood: {shown}"));
            };
            let table = parts(name).pop().unwrap_or_default();
            known(&table, shown)?;
            let columns = insert.columns.iter().filter_map(|column| parts(column).pop()).collect();
            let verb = if insert.replace_into || insert.on.is_some() { Verb::Update } else { Verb::Insert };
            found.push(Action::WriteRows { verb, table, columns, rows: Rows::Named });
            Ok(())
        }
        other => ddl(other, shown, found),
    }
}

fn ddl(statement: &Statement, shown: &str, found: &mut Vec<Action>) -> Result<(), String> {
    let mut enter = |table: String, verb: &str| -> Result<(), String> {
        known(&table, shown)?;
        found.push(Action::Ddl { table, verb: verb.to_owned(), text: shown.to_owned() });
        Ok(())
    };
    let last = |name: &ObjectName| parts(name).pop().unwrap_or_default();
    match statement {
        Statement::AlterTable(AlterTable { name, operations, .. }) => {
            for operation in operations {
                enter(last(name), &alteration(&operation.to_string()))?;
            }
            Ok(())
        }
        Statement::Drop { object_type: ObjectType::Index, table: Some(table), .. } => {
            enter(last(table), "DROP INDEX")
        }
        Statement::Drop { object_type: ObjectType::Table, names, .. } => {
            names.iter().try_for_each(|name| enter(last(name), "DROP TABLE"))
        }
        Statement::Drop { object_type: ObjectType::Sequence, names, .. } => {
            names.iter().try_for_each(|name| enter(last(name), "DROP SEQUENCE"))
        }
        Statement::Truncate(truncate) => {
            truncate.table_names.iter().try_for_each(|target| enter(last(&target.name), "TRUNCATE"))
        }
        Statement::RenameTable(tables) => {
            tables.iter().try_for_each(|table| enter(last(&table.old_name), "RENAME TABLE"))
        }
        Statement::CreateTable(table) => enter(last(&table.name), "CREATE TABLE"),
        Statement::CreateIndex(index) => {
            let columns: Vec<String> =
                index.columns.iter().map(|column| column.to_string().replace('`', "")).collect();
            let name = index.name.as_ref().map(&last).unwrap_or_default();
            let table = last(&index.table_name);
            known(&table, shown)?;
            found.push(Action::AddIndex { table, name, columns, unique: index.unique });
            Ok(())
        }
        _ => Err(format!("the statement is not understood: {shown}")),
    }
}

/// The kind of one operation of an `ALTER TABLE`, by its first words.
fn alteration(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().take(2).map(str::to_uppercase).collect();
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    match (word(0), word(1)) {
        ("ADD", "COLUMN" | "INDEX" | "KEY" | "UNIQUE" | "CONSTRAINT" | "PRIMARY" | "FULLTEXT")
        | ("DROP", "COLUMN" | "INDEX" | "KEY" | "CONSTRAINT" | "PRIMARY")
        | ("MODIFY" | "CHANGE" | "RENAME" | "ALTER", "COLUMN") => words.join(" "),
        ("MODIFY" | "CHANGE" | "DROP" | "ADD", _) => format!("{} COLUMN", word(0)),
        ("RENAME", _) => "RENAME TABLE".to_owned(),
        (first, _) => first.to_owned(),
    }
}

/// DDL of MariaDB that the parser does not know: its table, and the worst that its words can mean.
fn unparsed_ddl(text: &str, first: &str, shown: &str) -> Result<Action, String> {
    let upper = text.to_uppercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let at =
        words.iter().position(|word| matches!(word.to_uppercase().as_str(), "TABLE" | "SEQUENCE" | "ON"));
    let rest = at.and_then(|at| words.get(at + 1..)).unwrap_or_default().join(" ");
    let rest = ["IF NOT EXISTS ", "IF EXISTS ", "if not exists ", "if exists "]
        .iter()
        .fold(rest.as_str(), |rest, start| rest.strip_prefix(start).unwrap_or(rest));
    let table = match rest.strip_prefix('`') {
        Some(quoted) => quoted.split('`').next().unwrap_or_default(),
        None => rest.split([' ', '(', ';']).next().unwrap_or_default(),
    };
    known(table, shown)?;
    let has = |words: &str| upper.contains(words);
    let verb = match first {
        "ALTER" if has("DROP COLUMN") => "DROP COLUMN".to_owned(),
        "ALTER" if has("CHANGE ") => "CHANGE COLUMN".to_owned(),
        "ALTER" if has("RENAME ") => "RENAME TABLE".to_owned(),
        "ALTER" | "DROP" if has("DROP INDEX") => "DROP INDEX".to_owned(),
        "ALTER" if has("MODIFY ") => "MODIFY COLUMN".to_owned(),
        "DROP" | "CREATE" | "RENAME" => {
            let object = words.get(1).map(|word| word.to_uppercase()).unwrap_or_default();
            format!("{first} {object}")
        }
        other => other.to_owned(),
    };
    Ok(Action::Ddl { table: table.to_owned(), verb, text: shown.to_owned() })
}

fn known(table: &str, shown: &str) -> Result<(), String> {
    if table.is_empty() || table.contains(UNKNOWN) || table.contains(HOLE) {
        Err(format!("it is not known which table is written: {shown}"))
    } else {
        Ok(())
    }
}

/// The names of a table with the names that a statement calls them by.
fn tables(from: &TableWithJoins) -> Vec<(String, String)> {
    let factors = std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation));
    let named = factors.filter_map(|factor| match factor {
        TableFactor::Table { name, alias, .. } => {
            let table = parts(name).pop()?;
            let called = alias.as_ref().map_or_else(|| table.clone(), |alias| alias.name.value.clone());
            Some((called, table))
        }
        _ => None,
    });
    named.collect()
}

/// The table that a column belongs to: by the name in front of it, else the only one.
fn table_of(owner: Option<&str>, tables: &[(String, String)], shown: &str) -> Result<String, String> {
    let found = match owner {
        Some(owner) => tables.iter().find(|(called, table)| called == owner || table == owner),
        None if tables.len() == 1 => tables.first(),
        None => None,
    };
    found
        .map(|(_, table)| table.clone())
        .ok_or_else(|| format!("it is not known which table is written: {shown}"))
}

fn parts(name: &ObjectName) -> Vec<String> {
    name.0.iter().filter_map(|part| part.as_ident()).map(|ident| ident.value.clone()).collect()
}

/// Which rows a condition leaves.
fn rows(condition: Option<&Expr>) -> Rows {
    match condition {
        None => Rows::All,
        Some(condition) if names_one(condition) => Rows::Named,
        Some(_) => Rows::Some,
    }
}

fn names_one(condition: &Expr) -> bool {
    match condition {
        Expr::Nested(inner) => names_one(inner),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => names_one(left) || names_one(right),
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
            is_name(left) && matches!(right.as_ref(), Expr::Nested(_) | Expr::Value(_))
        }
        _ => false,
    }
}

fn is_name(column: &Expr) -> bool {
    match column {
        Expr::Identifier(name) => name.value.eq_ignore_ascii_case("name"),
        Expr::CompoundIdentifier(parts) => {
            parts.last().is_some_and(|name| name.value.eq_ignore_ascii_case("name"))
        }
        _ => false,
    }
}
