//! What the planner wants to know of a live site: read-only questions to its database.

use std::collections::BTreeMap;
use std::path::Path;

use sqlx::Executor;
use sqlx::mysql::MySqlConnection;
use thiserror::Error;

use super::connection::{self, Database};
use crate::doctype::{CustomField, DocField, DocType, PropertySetter, table_name};
use crate::plan::{ColumnFacts, IndexFacts, Site, TableFacts};

/// Rows of one answer; the largest sites have 60,000 columns.
const MAX_ROWS: usize = 1_000_000;

/// What of a field both tables of fields have, and what the planner knows.
const FIELD_COLUMNS: [&str; 12] = [
    "fieldname",
    "fieldtype",
    "label",
    "options",
    "default",
    "length",
    "precision",
    "reqd",
    "unique",
    "search_index",
    "is_virtual",
    "not_nullable",
];
const SETTER_COLUMNS: [&str; 5] = ["doc_type", "doctype_or_field", "field_name", "property", "value"];
const DOCTYPE_COLUMNS: [&str; 11] = [
    "name",
    "module",
    "issingle",
    "istable",
    "is_virtual",
    "is_submittable",
    "is_tree",
    "track_seen",
    "autoname",
    "engine",
    "sort_field",
];

/// A row as the planner reads files: an object.
type Object = serde_json::Map<String, serde_json::Value>;

/// Why the facts could not be read.
#[derive(Debug, Error)]
pub enum FactsError {
    /// The database cannot be reached.
    #[error(transparent)]
    Database(#[from] super::Error),
    /// A question was not answered.
    #[error("failed to read {what} of the site's database: {source}")]
    Query {
        /// What was asked for.
        what: &'static str,
        /// What the server said.
        source: sqlx::Error,
    },
    /// The database has more than any site.
    #[error("failed to read {what} of the site's database: more than {MAX_ROWS} rows")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
    },
}

/// Connects to `mysql://HOST:PORT/DBNAME` for reading; files `username` and `password` in `credentials` win over the URL.
///
/// # Errors
/// If the address cannot be read or the server cannot be reached.
pub async fn connect(url: &str, credentials: Option<&Path>) -> Result<MySqlConnection, FactsError> {
    let mut connection = Database::new(url, credentials)?.connect().await?;
    let bounded =
        "SET SESSION lock_wait_timeout = 10, max_statement_time = 120; SET SESSION TRANSACTION READ ONLY";
    let failed = |source| FactsError::Query { what: "the session", source };
    connection.execute(sqlx::raw_sql(bounded)).await.map_err(failed)?;
    Ok(connection)
}

/// Asks the connection's default database for everything that [`Site`] holds.
///
/// # Errors
/// If the schema cannot be read; Frappe's own tables may be missing (a site that is being made).
pub async fn read(connection: &mut MySqlConnection) -> Result<Site, FactsError> {
    let mut site = Site { server: server(connection).await?, ..Site::default() };
    read_tables(connection, &mut site).await?;
    read_columns(connection, &mut site).await?;
    read_indexes(connection, &mut site).await?;
    if has_columns(&site, "tabPatch Log", &["patch"]) {
        let lines: Vec<(Option<String>,)> =
            fetch(connection, "the Patch Log", "SELECT CAST(patch AS CHAR) FROM `tabPatch Log`").await?;
        site.patches = Some(lines.into_iter().filter_map(|(line,)| line).collect());
    }
    read_custom_fields(connection, &mut site).await?;
    read_property_setters(connection, &mut site).await?;
    read_custom_doctypes(connection, &mut site).await?;
    if has_columns(&site, "tabInstalled Application", &["app_name", "app_version"]) {
        let sql = "SELECT CAST(app_name AS CHAR), CAST(app_version AS CHAR) FROM `tabInstalled Application` \
                   WHERE app_name IS NOT NULL AND app_version IS NOT NULL";
        let rows: Vec<(String, String)> = fetch(connection, "the versions of the apps", sql).await?;
        site.app_versions = rows.into_iter().collect();
    }
    read_targets(connection, &mut site).await?;
    site.installed_apps = installed_apps(connection, &site).await?;
    Ok(site)
}

/// Fields whose options are the name of a DocType, in the site's own metadata: it has DocTypes and fields that no app has.
async fn read_targets(connection: &mut MySqlConnection, site: &mut Site) -> Result<(), FactsError> {
    for (table, of) in [("tabDocField", "parent"), ("tabCustom Field", "dt")] {
        if !has_columns(site, table, &[of, "fieldname", "fieldtype", "options"]) {
            continue;
        }
        let sql = format!(
            "SELECT CAST({of} AS CHAR), CAST(fieldname AS CHAR), CAST(fieldtype AS CHAR), CAST(options AS CHAR) \
             FROM `{table}` WHERE {of} IS NOT NULL AND fieldname IS NOT NULL AND (fieldtype = 'Link' AND options = 'DocType' \
             OR fieldtype IN ('Table', 'Table MultiSelect') AND options IS NOT NULL)"
        );
        let rows: Vec<(String, String, String, String)> =
            fetch(connection, "the fields that name DocTypes", connection::safe(sql)).await?;
        for (doctype, field, fieldtype, target) in rows {
            let (by_doctype, value) = if fieldtype == "Link" {
                (&mut site.doctype_links, field)
            } else {
                (&mut site.child_doctypes, target)
            };
            by_doctype.entry(doctype).or_default().insert(value);
        }
    }
    Ok(())
}

async fn server(connection: &mut MySqlConnection) -> Result<String, FactsError> {
    let rows: Vec<(String,)> = fetch(connection, "the version", "SELECT CAST(VERSION() AS CHAR)").await?;
    Ok(rows.into_iter().next().map(|(version,)| version).unwrap_or_default())
}

async fn read_custom_fields(connection: &mut MySqlConnection, site: &mut Site) -> Result<(), FactsError> {
    let columns = [&["dt"], &FIELD_COLUMNS[..]].concat();
    let rows =
        objects(connection, site, ("tabCustom Field", &columns), "TRUE ORDER BY `dt`, `fieldname`").await?;
    for row in rows {
        let doctype = row.get("dt").and_then(serde_json::Value::as_str).map(str::to_owned);
        // A row that no column could be made of is no field.
        if let (Some(doctype), Ok(Some(field))) = (doctype, DocField::read(&row)) {
            site.custom_fields.push(CustomField { doctype, field });
        }
    }
    Ok(())
}

async fn read_property_setters(connection: &mut MySqlConnection, site: &mut Site) -> Result<(), FactsError> {
    let rows = objects(connection, site, ("tabProperty Setter", &SETTER_COLUMNS), "TRUE").await?;
    let mut setters: Vec<_> =
        rows.iter().filter_map(PropertySetter::read).filter(PropertySetter::matters).collect();
    setters.sort();
    site.property_setters = setters;
    Ok(())
}

/// DocTypes that somebody made on this site: no app has their files.
async fn read_custom_doctypes(connection: &mut MySqlConnection, site: &mut Site) -> Result<(), FactsError> {
    let mut doctypes = read_doctypes(connection, site, true).await?;
    doctypes.retain(|doctype| site.tables.contains_key(&table_name(&doctype.name)) || doctype.issingle);
    site.custom_doctypes = doctypes;
    Ok(())
}

/// The DocTypes of apps as the site's own metadata has them: what the version that runs was migrated to.
///
/// # Errors
/// If the metadata cannot be read.
pub async fn doctypes(connection: &mut MySqlConnection, site: &Site) -> Result<Vec<DocType>, FactsError> {
    read_doctypes(connection, site, false).await
}

/// The DocTypes of the metadata with their fields, by name.
async fn read_doctypes(
    connection: &mut MySqlConnection,
    site: &Site,
    is_custom: bool,
) -> Result<Vec<DocType>, FactsError> {
    if !has_columns(site, "tabDocType", &["custom"]) {
        return Ok(Vec::new());
    }
    let which = format!("COALESCE(`custom`, 0) = {}", u8::from(is_custom));
    let rows =
        objects(connection, site, ("tabDocType", &DOCTYPE_COLUMNS), &format!("{which} ORDER BY `name`"))
            .await?;
    let mut doctypes: Vec<DocType> = rows.iter().filter_map(DocType::custom).collect();
    if doctypes.is_empty() {
        return Ok(doctypes);
    }
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (at, doctype) in doctypes.iter().enumerate() {
        places.insert(doctype.name.clone(), at);
    }
    let columns = [&["parent"], &FIELD_COLUMNS[..]].concat();
    let of_them = format!(
        "`parenttype` = 'DocType' AND `parent` IN (SELECT `name` FROM `tabDocType` WHERE {which}) ORDER BY `parent`, `idx`"
    );
    for row in objects(connection, site, ("tabDocField", &columns), &of_them).await? {
        let parent = row.get("parent").and_then(serde_json::Value::as_str);
        let doctype = parent.and_then(|parent| places.get(parent)).and_then(|at| doctypes.get_mut(*at));
        if let (Some(doctype), Ok(Some(field))) = (doctype, DocField::read(&row)) {
            doctype.fields.push(field);
        }
    }
    Ok(doctypes)
}

/// Rows of a table as objects, with those of the columns that the site's version of Frappe has.
async fn objects(
    connection: &mut MySqlConnection,
    site: &Site,
    (table, columns): (&'static str, &[&str]),
    condition: &str,
) -> Result<Vec<Object>, FactsError> {
    let known = columns.iter().filter(|column| has_columns(site, table, &[column]));
    let pairs: Vec<String> = known.map(|column| format!("'{column}', CAST(`{column}` AS CHAR)")).collect();
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT JSON_OBJECT({}) FROM `{table}` WHERE {condition}", pairs.join(", "));
    let rows: Vec<(String,)> = fetch(connection, table, connection::safe(sql)).await?;
    Ok(rows.iter().filter_map(|(row,)| serde_json::from_str(row).ok()).collect())
}

async fn read_tables(connection: &mut MySqlConnection, site: &mut Site) -> Result<(), FactsError> {
    type Row = (String, String, Option<String>, Option<String>, i64, i64);
    let sql = "SELECT CAST(TABLE_NAME AS CHAR), CAST(TABLE_TYPE AS CHAR), CAST(ENGINE AS CHAR), \
               CAST(ROW_FORMAT AS CHAR), CAST(COALESCE(TABLE_ROWS, 0) AS SIGNED), \
               CAST(COALESCE(DATA_LENGTH, 0) + COALESCE(INDEX_LENGTH, 0) AS SIGNED) \
               FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()";
    let rows: Vec<Row> = fetch(connection, "the tables", sql).await?;
    for (name, kind, engine, row_format, rows, bytes) in rows {
        if kind == "SEQUENCE" {
            site.sequences.insert(name);
        } else if kind == "BASE TABLE" {
            let facts = TableFacts {
                engine: engine.unwrap_or_default(),
                row_format: row_format.unwrap_or_default(),
                rows: u64::try_from(rows).unwrap_or(0),
                bytes: u64::try_from(bytes).unwrap_or(0),
                ..TableFacts::default()
            };
            site.tables.insert(name, facts);
        }
    }
    Ok(())
}

async fn read_columns(connection: &mut MySqlConnection, site: &mut Site) -> Result<(), FactsError> {
    type Row = (String, String, String, String, Option<String>);
    let sql = "SELECT CAST(TABLE_NAME AS CHAR), CAST(COLUMN_NAME AS CHAR), CAST(COLUMN_TYPE AS CHAR), \
               CAST(IS_NULLABLE AS CHAR), CAST(COLUMN_DEFAULT AS CHAR) FROM information_schema.COLUMNS \
               WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, ORDINAL_POSITION";
    let rows: Vec<Row> = fetch(connection, "the columns", sql).await?;
    for (table, name, column_type, nullable, default) in rows {
        if let Some(facts) = site.tables.get_mut(&table) {
            facts.columns.push(ColumnFacts { name, column_type, nullable: nullable == "YES", default });
        }
    }
    Ok(())
}

async fn read_indexes(connection: &mut MySqlConnection, site: &mut Site) -> Result<(), FactsError> {
    let sql = "SELECT CAST(TABLE_NAME AS CHAR), CAST(INDEX_NAME AS CHAR), CAST(COLUMN_NAME AS CHAR), \
               CAST(NON_UNIQUE AS SIGNED), CAST(SUB_PART IS NOT NULL OR INDEX_TYPE <> 'BTREE' AS SIGNED) FROM information_schema.STATISTICS \
               WHERE TABLE_SCHEMA = DATABASE() AND INDEX_NAME <> 'PRIMARY' \
               ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX";
    let rows: Vec<(String, String, String, i64, i64)> = fetch(connection, "the indexes", sql).await?;
    for (table, name, column, non_unique, partial) in rows {
        let Some(facts) = site.tables.get_mut(&table) else { continue };
        let (unique, partial) = (non_unique == 0, partial != 0);
        match facts.indexes.last_mut().filter(|index| index.name == name) {
            Some(index) => {
                index.columns.push(column);
                index.partial |= partial;
            }
            None => facts.indexes.push(IndexFacts { name, columns: vec![column], unique, partial }),
        }
    }
    Ok(())
}

/// Frappe keeps the list as a global default; `tabInstalled Application` is a copy of it for people.
async fn installed_apps(connection: &mut MySqlConnection, site: &Site) -> Result<Vec<String>, FactsError> {
    if has_columns(site, "tabDefaultValue", &["parent", "defkey", "defvalue"]) {
        let sql = "SELECT CAST(defvalue AS CHAR) FROM tabDefaultValue \
                   WHERE parent = '__global' AND defkey = 'installed_apps' AND defvalue IS NOT NULL LIMIT 1";
        let rows: Vec<(String,)> = fetch(connection, "the installed apps", sql).await?;
        let apps = rows.first().and_then(|(list,)| serde_json::from_str::<Vec<String>>(list).ok());
        if let Some(apps) = apps.filter(|apps| !apps.is_empty()) {
            return Ok(apps);
        }
    }
    if has_columns(site, "tabInstalled Application", &["app_name", "idx"]) {
        let sql = "SELECT CAST(app_name AS CHAR) FROM `tabInstalled Application` WHERE app_name IS NOT NULL ORDER BY idx";
        let rows: Vec<(String,)> = fetch(connection, "the installed apps", sql).await?;
        return Ok(rows.into_iter().map(|(app,)| app).collect());
    }
    Ok(Vec::new())
}

fn has_columns(site: &Site, table: &str, columns: &[&str]) -> bool {
    let live = site.tables.get(table);
    live.is_some_and(|live| columns.iter().all(|column| live.column(column).is_some()))
}

async fn fetch<Row>(
    connection: &mut MySqlConnection,
    what: &'static str,
    sql: impl sqlx::SqlSafeStr,
) -> Result<Vec<Row>, FactsError>
where
    Row: for<'r> sqlx::FromRow<'r, sqlx::mysql::MySqlRow> + Send + Unpin,
{
    use futures::TryStreamExt as _;
    let failed = |source| FactsError::Query { what, source };
    let mut rows = Vec::new();
    let mut stream = sqlx::raw_sql(sql).fetch(connection);
    while let Some(row) = stream.try_next().await.map_err(failed)? {
        if rows.len() == MAX_ROWS {
            return Err(FactsError::TooMany { what });
        }
        rows.push(Row::from_row(&row).map_err(failed)?);
    }
    Ok(rows)
}
