//! A table in small ranges of its primary key, in the key's own order: numbers as numbers, texts by their collation.

use sqlx::MySqlConnection;

use super::question::Question;
use super::{Error, inspect, quote};
use crate::plan::CAST_MODE;

/// The primary key of a table whose rows are gone through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    database: String,
    table: String,
    column: String,
    is_number: bool,
}

/// Keys after `after` up to `to`; from the beginning, to the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    /// Not in the range.
    pub(crate) after: Option<String>,
    /// In the range.
    pub(crate) to: Option<String>,
}

impl Key {
    /// The key of a table; a refusal if it has none of one column that is a text or a number.
    pub(crate) async fn of(
        connection: &mut MySqlConnection,
        database: &str,
        table: &str,
    ) -> Result<Self, Error> {
        let columns = inspect::primary_key(connection, database, table).await?;
        let [column] = columns.as_slice() else {
            return Err(Error::Refused(format!(
                "table {table} has no primary key of one column, by which its rows could be gone through: give it one"
            )));
        };
        let data_type = inspect::data_type(connection, [database, table, column]).await?;
        let is_number = match data_type.as_str() {
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => true,
            "char" | "varchar" => false,
            other => {
                return Err(Error::Refused(format!(
                    "the primary key {column} of table {table} is a {other}: only texts and whole numbers are known"
                )));
            }
        };
        Ok(Self {
            database: database.to_owned(),
            table: table.to_owned(),
            column: column.to_owned(),
            is_number,
        })
    }

    /// The table, quoted, with its database; read in the order of the primary key.
    pub(crate) fn table(&self) -> String {
        format!("{} FORCE INDEX (PRIMARY)", quote::qualified(&self.database, &self.table))
    }

    /// The key's column, quoted.
    pub(crate) fn column(&self) -> String {
        quote::identifier(&self.column)
    }

    /// One value as SQL, of the key's own type: a number that is compared as a text would leave the index.
    pub(crate) fn value(&self, key: &str) -> String {
        let is_plain = key.strip_prefix('-').unwrap_or(key).bytes().all(|byte| byte.is_ascii_digit());
        if self.is_number && is_plain && !key.is_empty() { key.to_owned() } else { quote::literal(key) }
    }

    /// The condition on a row to be in a range.
    pub(crate) fn within(&self, range: &Range) -> String {
        let part = |sign: &str, key: &Option<String>| {
            key.as_ref().map(|key| format!("{} {sign} {}", self.column(), self.value(key)))
        };
        let parts: Vec<String> =
            [part(">", &range.after), part("<=", &range.to)].into_iter().flatten().collect();
        if parts.is_empty() { "TRUE".to_owned() } else { parts.join(" AND ") }
    }

    /// The condition on a row to be in a range and as another condition says, which may be several joined by OR.
    pub(crate) fn within_and(&self, range: &Range, condition: &str) -> String {
        format!("{} AND ({condition})", self.within(range))
    }

    /// The last key that is there; none in an empty table.
    pub(crate) async fn last(&self, connection: &mut MySqlConnection) -> Result<Option<String>, Error> {
        let sql = format!(
            "SELECT CAST({0} AS CHAR) FROM {1} ORDER BY {0} DESC LIMIT 1",
            self.column(),
            self.table()
        );
        self.fetch(connection, sql).await
    }

    /// The key so many rows into a range; none if it has fewer.
    pub(crate) async fn at(
        &self,
        connection: &mut MySqlConnection,
        range: &Range,
        rows: u64,
    ) -> Result<Option<String>, Error> {
        let sql = format!(
            "SELECT CAST({0} AS CHAR) FROM {1} WHERE {2} ORDER BY {0} LIMIT 1 OFFSET {3}",
            self.column(),
            self.table(),
            self.within(range),
            rows.saturating_sub(1),
        );
        self.fetch(connection, sql).await
    }

    /// The keys that part a range into `parts` of so many rows each; fewer where it has fewer rows.
    pub(crate) async fn bounds(
        &self,
        connection: &mut MySqlConnection,
        range: &Range,
        rows: u64,
        parts: usize,
    ) -> Result<Vec<String>, Error> {
        if parts <= 1 {
            return Ok(self.at(connection, range, rows).await?.into_iter().collect());
        }
        // The innermost LIMIT comes first: a window function alone would number all the rest of the table.
        let sql = format!(
            "SELECT CAST(k AS CHAR) FROM (SELECT k, ROW_NUMBER() OVER (ORDER BY k) AS n FROM \
             (SELECT {0} AS k FROM {1} WHERE {2} ORDER BY {0} LIMIT {3}) AS few) AS numbered \
             WHERE n % {rows} = 0 ORDER BY n",
            self.column(),
            self.table(),
            self.within(range),
            rows.saturating_mul(parts as u64),
        );
        Question::of(sql)
            .scalars(connection)
            .await
            .map_err(Error::query(format!("read the keys of {}", self.table)))
    }

    /// The keys of the rows that are as the condition says, which is read as casts are, without a lock.
    pub(crate) async fn which(
        &self,
        connection: &mut MySqlConnection,
        condition: &str,
    ) -> Result<Vec<String>, Error> {
        let sql = format!(
            "SET STATEMENT sql_mode = '{CAST_MODE}' FOR SELECT CAST({} AS CHAR) FROM {} WHERE {condition}",
            self.column(),
            self.table(),
        );
        Question::of(sql)
            .scalars(connection)
            .await
            .map_err(Error::query(format!("read the keys of {}", self.table)))
    }

    async fn fetch(&self, connection: &mut MySqlConnection, sql: String) -> Result<Option<String>, Error> {
        Question::of(sql)
            .scalar_optional(connection)
            .await
            .map_err(Error::query(format!("read the keys of {}", self.table)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(is_number: bool) -> Key {
        Key { database: "d".to_owned(), table: "t".to_owned(), column: "na`me".to_owned(), is_number }
    }

    #[test]
    fn numbers_are_compared_as_numbers_and_hostile_texts_stay_in_their_quotes() {
        let range = Range { after: Some("-5".to_owned()), to: Some("17".to_owned()) };
        assert_eq!(key(true).within(&range), "`na``me` > -5 AND `na``me` <= 17");
        let hostile = Range { after: None, to: Some("1' OR 1=1".to_owned()) };
        assert_eq!(key(true).within(&hostile), "`na``me` <= '1'' OR 1=1'");
        assert_eq!(key(false).within(&range), "`na``me` > '-5' AND `na``me` <= '17'");
        assert_eq!(key(false).within(&Range { after: None, to: None }), "TRUE");
    }

    #[test]
    fn what_one_of_several_columns_needs_reaches_no_row_outside_the_range() {
        let range = Range { after: None, to: Some("b".to_owned()) };
        assert_eq!(
            key(false).within_and(&range, "NOT (a <=> x) OR NOT (b <=> y)"),
            "`na``me` <= 'b' AND (NOT (a <=> x) OR NOT (b <=> y))"
        );
    }
}
