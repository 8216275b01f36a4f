//! `crossfade doctor`: what the server lacks for a release.

use std::process::ExitCode;

use clap::Args;

use super::Output;
use super::site::{self, Connection};
use crate::schema::doctor::{self, Examined, Wanted};

/// Looks at the database server: prints the GRANTs that the administrator lacks and every setting that is wrong, each
/// with the statement that puts it right. Exit code 0 if a release can begin, 3 if something must be done first.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    connection: Connection,
    /// Name of blue's schema. Default: <DBNAME>__r1; the operator's all begin with <DBNAME>__.
    #[arg(long)]
    schema: Option<String>,
    /// Connections that are in the way are to be ended (--kill-blockers-after).
    #[arg(long)]
    may_kill: bool,
    /// A replica that is to be watched, as HOST or HOST:PORT; may be given several times.
    #[arg(long, value_name = "ADDRESS", value_parser = site::address)]
    replica: Vec<(String, u16)>,
}

impl Doctor {
    /// Runs the command.
    pub(crate) fn run(&self, output: Output) -> ExitCode {
        site::answer(output, |_| async {
            let database = self.connection.open()?;
            let wanted = Wanted {
                schema: self.schema.clone(),
                may_kill: self.may_kill,
                replicas: self.replica.clone(),
            };
            let examined = doctor::examine(&database, &wanted).await?;
            let must = examined.findings.iter().filter(|finding| !finding.is_optional).count();
            match output {
                Output::Human => site::print(&human(&examined)),
                Output::Json => site::print(&json(&examined)),
            }
            Ok(if must == 0 { ExitCode::SUCCESS } else { ExitCode::from(3) })
        })
    }
}

fn human(examined: &Examined) -> String {
    let Examined { account, version, findings } = examined;
    let mut lines = vec![format!("{version}, administrator {account}")];
    for finding in findings {
        let word = if finding.is_optional { "better" } else { "to do" };
        lines.push(format!("[{word}] {}", finding.what));
        if finding.sql.is_empty() {
            lines.push(format!("        {}", finding.fix));
        } else {
            if finding.fix != finding.sql {
                lines.push(format!("        {}", finding.fix));
            }
            lines.push(format!("        {};", finding.sql));
        }
    }
    let must = findings.iter().filter(|finding| !finding.is_optional).count();
    lines.push(match must {
        0 => "a release can begin".to_owned(),
        1 => "1 thing must be done before a release".to_owned(),
        all => format!("{all} things must be done before a release"),
    });
    lines.join("\n")
}

fn json(examined: &Examined) -> String {
    let findings: Vec<_> = examined
        .findings
        .iter()
        .map(|finding| {
            serde_json::json!({
                "what": finding.what, "fix": finding.fix, "sql": finding.sql, "optional": finding.is_optional,
            })
        })
        .collect();
    let ready = examined.findings.iter().all(|finding| finding.is_optional);
    serde_json::json!({
        "ready": ready, "version": examined.version, "account": examined.account, "findings": findings,
    })
    .to_string()
}
