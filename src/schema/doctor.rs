//! What a release needs of the server: rights of the administrator, settings of the server and of its replicas. All
//! of it is found at once and said with the statement or setting that puts it right.

use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row};

use super::connection::Database;
use super::question::Question;
use super::rights::{self, Rights};
use super::{Error, inspect};

/// Bytes of a file of the binary log that are synced quickly.
const BINLOG_SIZE: i64 = 64 << 20;

/// What is asked for beyond the usual.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Name of blue's schema; by default that of a first release.
    pub schema: Option<String>,
    /// Whether connections that are in the way are to be ended.
    pub may_kill: bool,
    /// Replicas that are to be watched, as host and port.
    pub replicas: Vec<(String, u16)>,
}

/// One thing that a release needs and that is not so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub what: String,
    /// What puts it right, in words.
    pub fix: String,
    /// The statement that puts it right, to be run by an administrator of the server; empty where there is none.
    pub sql: String,
    /// Whether a release can do without it.
    pub is_optional: bool,
}

impl Finding {
    fn must(what: impl Into<String>, fix: impl Into<String>, sql: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into(), sql: sql.into(), is_optional: false }
    }

    fn may(what: impl Into<String>, fix: impl Into<String>, sql: impl Into<String>) -> Self {
        Self { is_optional: true, ..Self::must(what, fix, sql) }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.what, self.fix)
    }
}

/// The account that was asked about, and everything that is not as a release needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// User and host of the administrator, as the server knows it.
    pub account: String,
    /// What the server calls itself.
    pub version: String,
    /// What is to be done.
    pub findings: Vec<Finding>,
}

/// Examines a server with the administrator's own connection, and replicas with the same credentials.
pub async fn examine(database: &Database, wanted: &Wanted) -> Result<Examined, Error> {
    let mut connection = database.connect_bare().await?;
    let rights = Rights::of(&mut connection).await?;
    let mut findings = of_rights(&rights, database.name(), wanted);
    let (version, of_settings) = of_settings(&mut connection, &rights).await?;
    findings.extend(of_settings);
    findings.extend(of_comfort(&mut connection).await?);
    for (host, port) in &wanted.replicas {
        findings.extend(of_replica(&database.at(host, *port), &rights).await);
    }
    Ok(Examined { account: rights.account, version, findings })
}

/// What stops a release, for those who are about to begin one.
pub(crate) async fn obstacles(
    connection: &mut MySqlConnection,
    base: &str,
    schema: &str,
    may_kill: bool,
) -> Result<Vec<String>, Error> {
    let rights = Rights::of(connection).await?;
    let wanted = Wanted { schema: Some(schema.to_owned()), may_kill, replicas: Vec::new() };
    let mut findings = of_rights(&rights, base, &wanted);
    findings.extend(of_settings(connection, &rights).await?.1);
    Ok(findings.iter().map(ToString::to_string).collect())
}

fn of_rights(rights: &Rights, base: &str, wanted: &Wanted) -> Vec<Finding> {
    let mut findings = Vec::new();
    let kill = wanted.may_kill.then_some(rights::KILL);
    for (right, purpose) in rights::GLOBAL.into_iter().chain(kill) {
        // SUPER ends connections too, on servers that have not parted it yet.
        let has_older = right == rights::KILL.0 && rights.has_global("SUPER");
        if !rights.has_global(right) && !has_older {
            let sql = rights.grant_global(&[right]);
            findings.push(Finding::must(
                format!("the administrator lacks {right} {purpose}"),
                sql.clone(),
                sql,
            ));
        }
    }
    let schema = wanted.schema.clone().unwrap_or_else(|| format!("{base}__r1"));
    // In a release of the operator all names of its schemas begin with the database's; others are given by name.
    let pattern = schema.starts_with(&format!("{base}__"));
    let (of_schema, tail) = if pattern { (base, "\\_\\_%") } else { (schema.as_str(), "%") };
    for (name, database, tail) in [(base, base, ""), (schema.as_str(), of_schema, tail)] {
        let missing = rights.missing_on(name);
        if !missing.is_empty() {
            let what = format!(
                "the administrator itself lacks on {name}, or cannot pass on: {} (views and triggers run without roles)",
                missing.join(", ")
            );
            let sql = rights.grant_on(&missing, database, tail);
            findings.push(Finding::must(what, sql.clone(), sql));
        }
    }
    findings
}

async fn of_settings(
    connection: &mut MySqlConnection,
    rights: &Rights,
) -> Result<(String, Vec<Finding>), Error> {
    let (version, log_bin, trusted, format, read_only, undoes): (String, i64, i64, String, i64, i64) =
        Question::fixed(
            "SELECT CAST(VERSION() AS CHAR), CAST(@@log_bin AS SIGNED), \
             CAST(@@log_bin_trust_function_creators AS SIGNED), CAST(@@binlog_format AS CHAR), \
             CAST(@@read_only AS SIGNED), CAST(@@innodb_rollback_on_timeout AS SIGNED)",
        )
        .one(&mut *connection)
        .await
        .map_err(Error::query("read the server's settings"))?;
    let mut findings = Vec::new();
    if !version.contains("MariaDB") {
        let what = format!("the server is {version}");
        findings.push(Finding::must(what, "only MariaDB 10.6 or newer is supported", ""));
    }
    if log_bin == 1 && trusted == 0 && !rights.has_global("SUPER") {
        findings.push(Finding::must(
            "triggers need SUPER while the binary log is on",
            "SET GLOBAL log_bin_trust_function_creators = 1, and the same in the server's configuration",
            "SET GLOBAL log_bin_trust_function_creators = 1",
        ));
    }
    if log_bin == 1 && format == "STATEMENT" {
        findings.push(Finding::must(
            "binlog_format is STATEMENT, which replays triggers wrongly",
            "SET GLOBAL binlog_format = 'MIXED' (or 'ROW'), and the same in the server's configuration",
            "SET GLOBAL binlog_format = 'MIXED'",
        ));
    }
    if read_only == 1 {
        findings.push(Finding::must(
            "the server is read-only (a replica?)",
            "give the address of the primary, or make the server writable",
            "",
        ));
    }
    if version.contains("MariaDB") {
        findings.extend(of_instant(connection).await?);
    }
    if undoes == 1 {
        findings.push(Finding::must(
            "innodb_rollback_on_timeout is ON: a lock that is taken undoes the whole transaction, and what sends the statement \
             again would lose what came before it",
            "take it out of the server's configuration and start the server again",
            "",
        ));
    }
    Ok((version, findings))
}

/// Columns are added, and swapped, in an instant; a server can be told not to do so.
async fn of_instant(connection: &mut MySqlConnection) -> Result<Option<Finding>, Error> {
    let allowed: String = Question::fixed("SELECT CAST(@@innodb_instant_alter_column_allowed AS CHAR)")
        .scalar(connection)
        .await
        .map_err(Error::query("read what may be altered in an instant"))?;
    Ok((allowed != "add_drop_reorder").then(|| {
        Finding::must(
            format!("innodb_instant_alter_column_allowed is {allowed}: columns cannot be added or swapped without a copy of the table"),
            "SET GLOBAL innodb_instant_alter_column_allowed = 'add_drop_reorder', and the same in the server's configuration",
            "SET GLOBAL innodb_instant_alter_column_allowed = 'add_drop_reorder'",
        )
    }))
}

/// What makes a release see more, and its users wait less.
async fn of_comfort(connection: &mut MySqlConnection) -> Result<Vec<Finding>, Error> {
    let names_holders = inspect::objects(connection, "information_schema")
        .await?
        .keys()
        .any(|name| name.eq_ignore_ascii_case("METADATA_LOCK_INFO"));
    let mut findings = Vec::new();
    if !names_holders {
        findings.push(Finding::may(
            "the server does not tell who holds a metadata lock",
            "with the plugin metadata_lock_info who is in the way of a statement is known and not guessed",
            "INSTALL SONAME 'metadata_lock_info'",
        ));
    }
    findings.extend(of_binary_log(connection).await?);
    Ok(findings)
}

/// The server syncs a file of the binary log when it is full, and all commits wait for it. Files of a gigabyte that nothing had
/// synced before held a probe for 0.35 to 0.45 s, one every 29 s of a fill at full speed; of 64 MiB, never for 0.1 s.
async fn of_binary_log(connection: &mut MySqlConnection) -> Result<Option<Finding>, Error> {
    let (is_on, synced, size): (i64, i64, i64) = Question::fixed(
        "SELECT CAST(@@log_bin AS SIGNED), CAST(@@sync_binlog AS SIGNED), CAST(@@max_binlog_size AS SIGNED)",
    )
    .one(connection)
    .await
    .map_err(Error::query("read the settings of the binary log"))?;
    Ok((is_on == 1 && synced != 1 && size > 2 * BINLOG_SIZE).then(|| {
        Finding::may(
            format!(
                "all commits wait while a file of the binary log is synced, up to {} MiB at once (max_binlog_size; sync_binlog is {synced})",
                size >> 20
            ),
            "smaller files are synced sooner: set it, and the same in the server's configuration",
            format!("SET GLOBAL max_binlog_size = {BINLOG_SIZE}"),
        )
    }))
}

/// A replica must say how far it is, get all of the databases, and leave the triggers to the primary.
async fn of_replica(database: &Database, rights: &Rights) -> Vec<Finding> {
    let address = database.address();
    let mut connection = match database.connect_bare().await {
        Ok(connection) => connection,
        Err(error) => {
            let fix = "create the administrator there as well, or leave the replica out";
            return vec![Finding::must(format!("the replica {address} cannot be asked ({error})"), fix, "")];
        }
    };
    let Ok(rows) = sqlx::raw_sql("SHOW ALL SLAVES STATUS").fetch_all(&mut connection).await else {
        let sql = rights.grant_global(&["SLAVE MONITOR"]);
        let what = format!("the replica {address} does not say how far it is");
        return vec![Finding::must(what, format!("{sql}, on the replica"), sql)];
    };
    let mut findings = Vec::new();
    if rows.is_empty() {
        findings.push(Finding::must(format!("{address} is no replica"), "leave it out", ""));
    }
    let filters = ["Replicate_Do_DB", "Replicate_Ignore_DB", "Replicate_Do_Table", "Replicate_Wild_Do_Table"];
    let text = |row: &MySqlRow, name: &str| row.try_get_unchecked::<String, _>(name).unwrap_or_default();
    if rows.iter().any(|row| filters.iter().any(|name| !text(row, name).is_empty())) {
        findings.push(Finding::must(
            format!("the replica {address} leaves databases or tables out"),
            "let it replicate the site's database and all whose names begin with it: statements name both",
            "",
        ));
    }
    let run: Result<String, _> =
        Question::fixed("SELECT CAST(@@slave_run_triggers_for_rbr AS CHAR)").scalar(&mut connection).await;
    if run.is_ok_and(|run| run == "YES" || run == "LOGGING") {
        findings.push(Finding::must(
            format!("the replica {address} runs triggers for rows that the primary's triggers have changed already"),
            "SET GLOBAL slave_run_triggers_for_rbr = 'NO', on the replica",
            "SET GLOBAL slave_run_triggers_for_rbr = 'NO'",
        ));
    }
    findings
}
