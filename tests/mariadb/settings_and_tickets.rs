//! What each of the [`super::many_clients`] does beside its documents: tickets whose DocType has two names and whose names are
//! numbers, and the settings, a Single, which one user saves.

use rand::Rng;

use super::many_clients::Client;

impl Client {
    /// A document whose name is a number, with a comment that names its DocType; or the last one once more.
    pub(super) async fn save_ticket(&mut self, url: &str, is_blue: bool) -> Result<(), String> {
        let (doctype, by) = if is_blue { ("Ticket", "blue") } else { ("Case", "green") };
        let subject = format!("{by} {}", self.number);
        self.send(url, "START TRANSACTION".to_owned()).await?;
        let (number, subject) = if self.number.is_multiple_of(2) && !self.tickets.is_empty() {
            let (number, _) = self.tickets.pop().unwrap();
            let update = format!("UPDATE `tab{doctype}` SET subject = '{subject}' WHERE name = {number}");
            self.send(url, update).await?;
            (number, subject)
        } else {
            let next = format!("SELECT CAST(NEXTVAL({}_id_seq) AS CHAR)", doctype.to_lowercase());
            let number = self.read(url, next).await?.ok_or("no number")?;
            let ticket = format!("INSERT INTO `tab{doctype}` SET name = {number}, subject = '{subject}'");
            self.send(url, ticket).await?;
            let refers = format!("reference_doctype = '{doctype}', reference_name = '{number}'");
            self.send(url, format!("INSERT INTO tabComment SET name = 'c{number}', {refers}")).await?;
            (number, subject)
        };
        self.send(url, "COMMIT".to_owned()).await?;
        self.tickets.push((number, subject));
        Ok(())
    }

    /// As Frappe saves a Single: all its rows go, and those that the version knows come.
    pub(super) async fn save_settings(&mut self, url: &str, is_blue: bool) -> Result<(), String> {
        let (logo, by) = if is_blue { ("logo", "blue") } else { ("mark", "green") };
        let value = format!("{by} {}", self.number);
        self.send(url, "START TRANSACTION".to_owned()).await?;
        let of = "doctype = 'Deal Settings'";
        let locked = format!("SELECT value FROM tabSingles WHERE {of} AND field = 'modified' FOR UPDATE");
        self.send(url, locked).await?;
        self.send(url, format!("DELETE FROM tabSingles WHERE {of}")).await?;
        let row = |field: &str| format!("('Deal Settings', '{field}', '{value}')");
        let rows = ["modified", "colour", logo].map(row).join(", ");
        self.send(url, format!("INSERT INTO tabSingles (doctype, field, value) VALUES {rows}")).await?;
        self.send(url, "COMMIT".to_owned()).await?;
        self.settings = Some(value);
        Ok(())
    }

    /// Its own tickets with their comments, and the settings if it writes them.
    pub(super) async fn look_beside(&mut self, url: &str, is_blue: bool) -> Result<(), String> {
        let (doctype, logo) = if is_blue { ("Ticket", "logo") } else { ("Case", "mark") };
        let at = rand::rng().random_range(0..self.tickets.len());
        for (number, subject) in [self.tickets[at].clone(), self.tickets[self.tickets.len() - 1].clone()] {
            let sql = format!(
                "SELECT CONCAT_WS('|', subject, (SELECT COUNT(*) FROM tabComment WHERE reference_doctype = '{doctype}' \
                 AND reference_name = '{number}')) FROM `tab{doctype}` WHERE name = {number}"
            );
            let (read, written) = (self.read(url, sql).await?, format!("{subject}|1"));
            if read.as_deref() != Some(written.as_str()) {
                return Err(format!("silent: {doctype} {number} reads {read:?}, written was {written}"));
            }
        }
        let Some(settings) = self.settings.clone() else { return Ok(()) };
        let sql = format!(
            "SELECT GROUP_CONCAT(field, '=', value ORDER BY field) FROM tabSingles WHERE doctype = 'Deal Settings' \
             AND field IN ('colour', '{logo}')"
        );
        let (read, written) = (self.read(url, sql).await?, format!("colour={settings},{logo}={settings}"));
        if read.as_deref() != Some(written.as_str()) {
            return Err(format!("silent: the settings read {read:?}, written was {written}"));
        }
        Ok(())
    }
}
