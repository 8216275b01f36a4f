//! What the administrator may do and must be able to do: read from `SHOW GRANTS`, so that roles count for what it does
//! itself.
//!
//! It owns the views and triggers (`DEFINER`), so it must live as long as the release, with these rights. They run with what
//! was given to the account: a role is active in a session alone, and blue would get 1356 or 1142 of every table.

use sqlx::MySqlConnection;

use super::question::Question;
use super::{Error, quote};

/// Rights that reach further than a database, with what they are for.
pub(crate) const GLOBAL: [(&str, &str); 2] =
    [("PROCESS", "to see who is connected"), ("CREATE USER", "to make and drop blue's user")];
/// To end a connection that is in the way; needed by `--kill-blockers-after` alone.
pub(crate) const KILL: (&str, &str) = ("CONNECTION ADMIN", "to end connections that are in the way");
/// Rights on the site's database, on blue's schema and on the trash, each with GRANT OPTION: blue gets some of them.
pub(crate) const ON_DATABASES: [&str; 14] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "DROP",
    "REFERENCES",
    "INDEX",
    "ALTER",
    "CREATE TEMPORARY TABLES",
    "LOCK TABLES",
    "CREATE VIEW",
    "SHOW VIEW",
    "TRIGGER",
];

/// What one line of `SHOW GRANTS` gives.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Grant {
    rights: Vec<String>,
    /// Pattern of the database's name; `None` for all of them, which is where global rights stand.
    database: Option<String>,
    with_grant_option: bool,
    /// Whether it was given to a role, or to everybody.
    by_role: bool,
}

/// All that an administrator was given.
#[derive(Debug, Clone)]
pub(crate) struct Rights {
    grants: Vec<Grant>,
    /// User and host as SQL.
    pub(crate) account: String,
}

impl Rights {
    /// Those of the connection's user and its active roles.
    pub(crate) async fn of(connection: &mut MySqlConnection) -> Result<Self, Error> {
        let lines: Vec<String> = Question::fixed("SHOW GRANTS")
            .scalars(&mut *connection)
            .await
            .map_err(Error::query("read the administrator's rights"))?;
        let account: String = Question::fixed("SELECT CAST(CURRENT_USER() AS CHAR)")
            .scalar(connection)
            .await
            .map_err(Error::query("read the administrator's name"))?;
        let (user, host) = account.rsplit_once('@').unwrap_or((&account, "%"));
        Ok(Self {
            grants: lines.iter().filter_map(|line| parse(line)).collect(),
            account: format!("{}@{}", quote::identifier(user), quote::identifier(host)),
        })
    }

    /// Whether a right on everything was given.
    pub(crate) fn has_global(&self, right: &str) -> bool {
        self.grants.iter().any(|grant| grant.database.is_none() && grant.gives(right))
    }

    /// Rights of [`ON_DATABASES`] that the account itself lacks on a database, or all if it cannot pass them on.
    pub(crate) fn missing_on(&self, database: &str) -> Vec<&'static str> {
        let here = |grant: &&Grant| {
            !grant.by_role
                && grant
                    .database
                    .as_ref()
                    .is_none_or(|pattern| matches(pattern.as_bytes(), database.as_bytes()))
        };
        let grants: Vec<&Grant> = self.grants.iter().filter(here).collect();
        if !grants.iter().any(|grant| grant.with_grant_option) {
            return ON_DATABASES.to_vec();
        }
        ON_DATABASES.into_iter().filter(|right| !grants.iter().any(|grant| grant.gives(right))).collect()
    }

    /// The statement that gives rights on all databases.
    pub(crate) fn grant_global(&self, rights: &[&str]) -> String {
        format!("GRANT {} ON *.* TO {}", rights.join(", "), self.account)
    }

    /// The statement that gives rights on a database; `tail` is a pattern that its name may go on with.
    pub(crate) fn grant_on(&self, rights: &[&str], database: &str, tail: &str) -> String {
        let name = database.replace('\\', "\\\\").replace('_', "\\_").replace('%', "\\%");
        let pattern = quote::identifier(&format!("{name}{tail}"));
        format!("GRANT {} ON {pattern}.* TO {} WITH GRANT OPTION", rights.join(", "), self.account)
    }
}

impl Grant {
    fn gives(&self, right: &str) -> bool {
        self.rights.iter().any(|given| given == right || given == "ALL PRIVILEGES")
    }
}

/// One line of `SHOW GRANTS`; `None` for one that gives a role, or rights on a single table or column.
fn parse(line: &str) -> Option<Grant> {
    let (rights, rest) = line.strip_prefix("GRANT ")?.split_once(" ON ")?;
    let (on, rest) = rest.split_once(" TO ")?;
    let database = match on.strip_suffix(".*")? {
        "*" => None,
        quoted => Some(quoted.strip_prefix('`')?.strip_suffix('`')?.replace("``", "`")),
    };
    Some(Grant {
        rights: rights.split(", ").map(str::to_owned).collect(),
        database,
        with_grant_option: rest.ends_with("WITH GRANT OPTION"),
        by_role: !is_account(rest),
    })
}

/// Whether a grant is to a user, who has a host: a role has none, and `PUBLIC` has not even quotes.
fn is_account(grantee: &str) -> bool {
    let Some(rest) = grantee.strip_prefix('`') else { return false };
    // A quote in a name is doubled.
    rest.replace("``", "").split_once('`').is_some_and(|(_, behind)| behind.starts_with('@'))
}

/// MariaDB's match of a database's name in a grant: `%`, `_` and a backslash before what is meant as it is.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match pattern {
        [] => name.is_empty(),
        [b'%', rest @ ..] => {
            (0..=name.len()).any(|at| name.get(at..).is_some_and(|name| matches(rest, name)))
        }
        [b'_', rest @ ..] => name.split_first().is_some_and(|(_, name)| matches(rest, name)),
        [b'\\', byte, rest @ ..] | [byte, rest @ ..] => {
            name.split_first().is_some_and(|(first, name)| first == byte && matches(rest, name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(lines: &[&str]) -> Rights {
        Rights {
            grants: lines.iter().filter_map(|line| parse(line)).collect(),
            account: "`a`@`%`".to_owned(),
        }
    }

    #[test]
    fn what_is_given_is_read_with_patterns_and_grant_option() {
        let all = ON_DATABASES.join(", ");
        let rights = rights(&[
            "GRANT PROCESS, CREATE USER ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*00'",
            &format!("GRANT {all} ON `si\\_te`.* TO `a`@`%` WITH GRANT OPTION"),
            &format!("GRANT {all} ON `si\\_te\\_\\_%`.* TO `a`@`%`"),
            "GRANT `role` TO `a`@`%`",
            "GRANT SELECT ON `x`.`y` TO `a`@`%`",
        ]);
        assert!(rights.has_global("PROCESS") && !rights.has_global("SUPER"));
        assert_eq!(rights.missing_on("si_te"), Vec::<&str>::new());
        assert_eq!(rights.missing_on("sixte").len(), ON_DATABASES.len());
        // Without GRANT OPTION blue cannot be given anything.
        assert_eq!(rights.missing_on("si_te__r1").len(), ON_DATABASES.len());
    }

    #[test]
    fn all_privileges_are_all() {
        let rights = rights(&["GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION"]);
        assert!(rights.has_global("SUPER") && rights.missing_on("any").is_empty());
    }

    #[test]
    fn what_a_role_gives_is_for_what_the_session_does_and_not_for_views_and_triggers() {
        let rights = rights(&[
            "GRANT `all``of it` TO `a`@`%`",
            "GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*00'",
            "GRANT ALL PRIVILEGES ON *.* TO `all``of it` WITH GRANT OPTION",
            "GRANT ALL PRIVILEGES ON `open`.* TO PUBLIC",
            "GRANT ALL PRIVILEGES ON `own`.* TO `a``b`@`%` WITH GRANT OPTION",
            "SET DEFAULT ROLE `all``of it` FOR `a`@`%`",
        ]);
        assert!(rights.has_global("PROCESS") && rights.has_global("CREATE USER"));
        assert_eq!(rights.missing_on("site").len(), ON_DATABASES.len());
        assert_eq!(rights.missing_on("open").len(), ON_DATABASES.len());
        assert_eq!(rights.missing_on("own"), Vec::<&str>::new());
    }

    #[test]
    fn a_grant_names_exactly_the_databases_that_are_meant() {
        let rights = rights(&[]);
        assert_eq!(
            rights.grant_on(&["SELECT"], "a_b", "\\_\\_%"),
            "GRANT SELECT ON `a\\_b\\_\\_%`.* TO `a`@`%` WITH GRANT OPTION"
        );
    }
}
