//! Questions to the server, by the text protocol: one packet there, one answer back.
//!
//! Not by prepared statements. The driver closes each after its use, by a packet that is not answered, and the next small
//! packet waits until the server has acknowledged that one: 40 ms for each question on Linux (Nagle's algorithm beside
//! delayed acknowledgements; measured at 45 to 50 ms on loopback). And nothing is left on the server, nor asked of a proxy.

use sqlx::mysql::MySqlRow;
use sqlx::{FromRow, MySqlConnection};

use super::connection::safe;
use super::quote;

/// A question, with what is asked for written into it.
#[derive(Debug)]
pub(crate) struct Question {
    text: String,
    /// What comes behind the values so far; only text of the program's own has `?` in it.
    rest: &'static str,
}

impl Question {
    /// A text of the program's own, whose `?` are filled by [`Self::with`], one after the other.
    pub(crate) fn fixed(sql: &'static str) -> Self {
        Self { text: String::new(), rest: sql }
    }

    /// A text that was put together: names and values in it went through [`quote`].
    pub(crate) fn of(sql: String) -> Self {
        Self { text: sql, rest: "" }
    }

    /// Fills the next `?` with a text.
    pub(crate) fn with(mut self, value: impl AsRef<str>) -> Self {
        debug_assert!(self.rest.contains('?'), "no place is left for a value: {}{}", self.text, self.rest);
        let (before, after) = self.rest.split_once('?').unwrap_or((self.rest, ""));
        self.text.push_str(before);
        self.text.push_str(&quote::literal(value.as_ref()));
        self.rest = after;
        self
    }

    fn sql(self) -> String {
        self.text + self.rest
    }

    /// All rows of the answer.
    pub(crate) async fn all<T>(self, connection: &mut MySqlConnection) -> Result<Vec<T>, sqlx::Error>
    where
        T: for<'r> FromRow<'r, MySqlRow>,
    {
        let rows = sqlx::raw_sql(safe(self.sql())).fetch_all(connection).await?;
        rows.iter().map(T::from_row).collect()
    }

    /// The first row of the answer, if it has one.
    pub(crate) async fn optional<T>(self, connection: &mut MySqlConnection) -> Result<Option<T>, sqlx::Error>
    where
        T: for<'r> FromRow<'r, MySqlRow>,
    {
        let row = sqlx::raw_sql(safe(self.sql())).fetch_optional(connection).await?;
        row.as_ref().map(T::from_row).transpose()
    }

    /// The first row of an answer that has one; an error if it has none.
    pub(crate) async fn one<T>(self, connection: &mut MySqlConnection) -> Result<T, sqlx::Error>
    where
        T: for<'r> FromRow<'r, MySqlRow>,
    {
        self.optional(connection).await?.ok_or(sqlx::Error::RowNotFound)
    }

    /// The first column of all rows.
    pub(crate) async fn scalars<T>(self, connection: &mut MySqlConnection) -> Result<Vec<T>, sqlx::Error>
    where
        (T,): for<'r> FromRow<'r, MySqlRow>,
    {
        let rows: Vec<(T,)> = self.all(connection).await?;
        Ok(rows.into_iter().map(|(value,)| value).collect())
    }

    /// The first column of the first row, if there is one.
    pub(crate) async fn scalar_optional<T>(
        self,
        connection: &mut MySqlConnection,
    ) -> Result<Option<T>, sqlx::Error>
    where
        (T,): for<'r> FromRow<'r, MySqlRow>,
    {
        let row: Option<(T,)> = self.optional(connection).await?;
        Ok(row.map(|(value,)| value))
    }

    /// The first column of the first row; an error if there is none.
    pub(crate) async fn scalar<T>(self, connection: &mut MySqlConnection) -> Result<T, sqlx::Error>
    where
        (T,): for<'r> FromRow<'r, MySqlRow>,
    {
        self.scalar_optional(connection).await?.ok_or(sqlx::Error::RowNotFound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_in_its_quotes_and_a_question_mark_in_it_is_no_place_for_the_next() {
        let question = Question::fixed("SELECT * FROM t WHERE a = ? AND b = ? LIMIT 3");
        let sql = question.with("what? ' OR 1=1 -- \\").with("b").sql();
        assert_eq!(sql, r"SELECT * FROM t WHERE a = 'what? '' OR 1=1 -- \\' AND b = 'b' LIMIT 3");
        assert_eq!(Question::of("SELECT '?'".to_owned()).sql(), "SELECT '?'");
    }
}
