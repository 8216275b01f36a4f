//! A full table, made by the server from a sequence: nothing is sent but the statements.

use crate::harness::Fallible;
use crate::harness::bench::Bench;
use crate::harness::load::now;

/// Rows of one statement: what has to be kept to undo it stays small.
const AT_ONCE: u64 = 100_000;

/// What the rows of a DocType hold, as an expression of `seq`, the number of the row.
///
/// Names begin with every character that names of users' documents begin with, and ascend with `seq`: the users' rows lie
/// among these, and each statement appends.
fn columns(doctype: &str) -> Fallible<&'static [(&'static str, &'static str)]> {
    match doctype {
        "Sales Order" => Ok(&[
            ("customer", "CONCAT('Customer ', seq % 20000)"),
            ("title", "CONCAT('Order ', seq)"),
            ("status", "ELT(1 + seq % 3, 'Draft', 'Open', 'Closed')"),
            ("priority", "ELT(1 + seq % 3, 'Low', 'Medium', 'High')"),
            ("qty", "seq % 50"),
            ("amount", "seq % 1000 + 0.25"),
            ("ref_no", "IF(seq % 10, seq, '')"),
            ("external_id", "CONCAT('external ', seq)"),
            ("legacy_code", "CONCAT('L-', seq)"),
            ("customer_note", "CONCAT('note of order ', seq)"),
            ("notes", "CONCAT('a text that is some words long, as the notes of an order are: ', seq)"),
            ("order_date", "'2026-01-01' + INTERVAL seq % 300 DAY"),
            ("is_urgent", "seq % 2"),
        ]),
        "Shop Tag" => Ok(&[("tag_name", "CONCAT('Tag ', seq)"), ("colour", "'#1E90FF'")]),
        other => Err(format!("nobody has said what the rows of {other} hold: experiment/filling.rs").into()),
    }
}

/// The statements that fill the table of a DocType of the database `shop`.
pub fn statements(doctype: &str, rows: u64) -> Fallible<Vec<String>> {
    let columns = columns(doctype)?;
    let (names, values): (Vec<&str>, Vec<&str>) = columns.iter().copied().unzip();
    let (names, values) = (names.join(", "), values.join(", "));
    let first = format!("SUBSTR('0123456789abcdefghijklmnopqrstuv', 1 + (seq - 1) * 32 DIV {rows}, 1)");
    let mut statements = Vec::new();
    let mut from = 1;
    while from <= rows {
        let to = rows.min(from + AT_ONCE - 1);
        statements.push(format!(
            "INSERT INTO shop.`tab{doctype}` (name, creation, modified, owner, modified_by, {names}) \
             SELECT CONCAT({first}, LPAD(seq, 9, '0')), NOW(6), NOW(6), 'Administrator', 'Administrator', {values} \
             FROM seq_{from}_to_{to}"
        ));
        from = to + 1;
    }
    Ok(statements)
}

/// Fills the table of a DocType; gives the seconds that it took.
pub fn fill(bench: &Bench, doctype: &str, rows: u64) -> Fallible<f64> {
    let begun = now();
    for statement in statements(doctype, rows)? {
        bench.sql(&format!("USE shop; {statement}"))?;
    }
    bench.sql(&format!("ANALYZE TABLE shop.`tab{doctype}`"))?;
    Ok(now() - begun)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::scenario;

    #[test]
    fn every_scenario_has_rows_for_its_table() {
        for scenario in scenario::ALL {
            let statements = statements(scenario.doctype, 250_001).unwrap();
            assert_eq!(statements.len(), 3, "{}", scenario.name);
            assert!(statements[2].ends_with("FROM seq_200001_to_250001"), "{}", statements[2]);
        }
    }
}
