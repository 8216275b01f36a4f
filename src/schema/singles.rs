//! `tabSingles` in step. Saving a Single deletes all rows of its DocType and inserts those that the version knows:
//! on one shared table each version would delete the other's settings without an error. So blue has a copy, and
//! triggers carry over, both ways, what both versions know.

use super::inventory::{self, Entry};
use super::mirror::{Event, From};
use super::{Error, OWN_PREFIX, Session, frozen, quote, singles_name};
use crate::plan::SingleField;

/// Frappe's table of the Singles' values.
pub(crate) const TABLE: &str = "tabSingles";
/// Which fields both versions know, in blue's schema. A DocType that is not in it is in step with all its fields:
/// before the hand-over all are, and for good those that live only in the database (custom ones).
const SCOPE: &str = "__crossfade_singles";
/// What Frappe itself keeps of every document.
const STANDARD: [&str; 16] = [
    "name",
    "owner",
    "creation",
    "modified",
    "modified_by",
    "docstatus",
    "idx",
    "parent",
    "parentfield",
    "parenttype",
    "doctype",
    "_user_tags",
    "_comments",
    "_assign",
    "_liked_by",
    "_seen",
];

/// Makes the empty copy, and the list that triggers ask.
pub(crate) async fn prepare(session: &mut Session<'_>) -> Result<(), Error> {
    let scope = quote::qualified(&session.schema, SCOPE);
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS {scope} (doctype varchar(255) NOT NULL, field varchar(255) NOT NULL, \
         PRIMARY KEY (doctype, field)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 \
         COLLATE=utf8mb4_unicode_ci"
    );
    session.ddl("create the list of shared Singles fields", &sql).await?;
    let drop =
        |event| format!("DROP TRIGGER IF EXISTS {}", quote::qualified(&session.base, &trigger_name(event)));
    frozen::structure(session, TABLE, Event::ALL.map(drop).to_vec()).await
}

/// Completes the copy: the triggers, then the rows.
pub(crate) async fn copy(session: &mut Session<'_>, entry: &Entry) -> Result<(), Error> {
    create_triggers(session, From::Base, &[]).await?;
    frozen::fill(session, TABLE, &entry.columns).await?;
    // The copy's own triggers come last: filling deletes and inserts in the copy, and the base must not follow.
    create_triggers(session, From::Copy, &[]).await?;
    inventory::set_filled(session, TABLE).await
}

/// From here on only the fields that both versions know are kept in step; all at once, in one transaction.
///
/// Where the versions have other names for something, the triggers take the place of the ones before first. Deletes
/// and updates of those find the rows under either name, so they come before the inserts that write the new one.
pub(crate) async fn narrow(session: &mut Session<'_>, shared: &[SingleField]) -> Result<(), Error> {
    let renamed: Vec<&SingleField> = shared.iter().filter(|field| singles_name::is_renamed(field)).collect();
    if !renamed.is_empty() {
        create_triggers(session, From::Copy, &renamed).await?;
        create_triggers(session, From::Base, &renamed).await?;
    }
    let scope = quote::qualified(&session.schema, SCOPE);
    let mut statements = vec!["START TRANSACTION".to_owned()];
    let known = shared.iter().map(|known| (known.doctype.as_str(), known.field.as_str()));
    statements.extend(frozen::add_pairs(&scope, known));
    for field in STANDARD {
        let field = quote::literal(field);
        statements.push(format!("INSERT IGNORE INTO {scope} SELECT DISTINCT doctype, {field} FROM {scope}"));
    }
    statements.push("COMMIT".to_owned());
    session.check_lock().await?;
    frozen::repeat(session, SCOPE, &statements).await
}

/// The question for all fields that both versions know and that do not have the same value on both sides. One
/// statement: what the triggers carry over is seen with what it was carried from.
pub(crate) fn differences_sql(session: &Session<'_>, shared: &[SingleField]) -> String {
    let scope = quote::qualified(&session.schema, SCOPE);
    let (base, copy) = (quote::qualified(&session.base, TABLE), quote::qualified(&session.schema, TABLE));
    let renamed: Vec<&SingleField> = shared.iter().filter(|field| singles_name::is_renamed(field)).collect();
    let side = |from: From, one: &str, other: &str| {
        let [is_shared, is_same] = singles_name::same(from, "one.", &scope, &renamed);
        format!(
            "SELECT CAST(one.doctype AS CHAR), CAST(one.field AS CHAR) FROM {one} one WHERE {is_shared} \
             AND NOT EXISTS (SELECT 1 FROM {other} other WHERE {is_same})",
        )
    };
    format!("{} UNION ALL {} LIMIT 1000", side(From::Base, &base, &copy), side(From::Copy, &copy, &base))
}

/// Names of the three triggers, the same on both sides.
pub(crate) fn trigger_names() -> [String; 3] {
    Event::ALL.map(trigger_name)
}

async fn create_triggers(
    session: &mut Session<'_>,
    direction: From,
    renamed: &[&SingleField],
) -> Result<(), Error> {
    let target = quote::qualified(direction.target(session), TABLE);
    let scope = quote::qualified(&session.schema, SCOPE);
    let statements = Event::ALL.map(|event| {
        let body = if renamed.is_empty() {
            body(event, &target, &scope)
        } else {
            singles_name::body(event, direction, &target, &scope, renamed)
        };
        format!(
            "CREATE OR REPLACE TRIGGER {} AFTER {} ON {} FOR EACH ROW {}",
            direction.object(session, &trigger_name(event)),
            event.word(),
            direction.object(session, TABLE),
            direction.guarded(session, &body),
        )
    });
    // Event::ALL begins with the insert, which comes last here.
    let statements: Vec<String> = statements.into_iter().rev().collect();
    session.ddl_all("keep the Singles in step", &statements).await
}

/// What one row's change does to the other side.
fn body(event: Event, to: &str, scope: &str) -> String {
    let old = "doctype <=> OLD.doctype AND field <=> OLD.field";
    let delete = format!(
        "IF {} THEN DELETE FROM {to} WHERE {old}; END IF;",
        in_scope("OLD.doctype", "OLD.field", scope)
    );
    let insert = format!(
        "IF {} THEN INSERT INTO {to} (doctype, field, value) VALUES (NEW.doctype, NEW.field, NEW.value); END IF;",
        in_scope("NEW.doctype", "NEW.field", scope)
    );
    match event {
        Event::Insert => insert,
        Event::Delete => delete,
        Event::Update => format!(
            "IF OLD.doctype <=> NEW.doctype AND OLD.field <=> NEW.field THEN \
             IF {} THEN UPDATE {to} SET value = NEW.value WHERE {old}; END IF; ELSE {delete} {insert} END IF;",
            in_scope("NEW.doctype", "NEW.field", scope)
        ),
    }
}

/// Whether both versions know a field, by green's names; the site's table may have another collation than the list.
pub(crate) fn in_scope(doctype: &str, field: &str, scope: &str) -> String {
    let [doctype, field] = [doctype, field].map(quote::comparable);
    format!(
        "(NOT EXISTS (SELECT 1 FROM {scope} AS known WHERE known.doctype = {doctype}) \
         OR EXISTS (SELECT 1 FROM {scope} AS known WHERE known.doctype = {doctype} AND known.field = {field}))"
    )
}

fn trigger_name(event: Event) -> String {
    format!("{OWN_PREFIX}_singles_{}", event.word().to_lowercase())
}
