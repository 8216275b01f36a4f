//! Renames as a human declares them: `Old DocType=New DocType`, `DocType.old_field=new_field`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use thiserror::Error;

use super::Renames;
use crate::doctype::{App, DocType, Snapshot};

/// Names that an error lists at most.
const MOST_NAMES: usize = 12;

/// Why a declared rename is none.
#[derive(Debug, Error)]
pub enum RenameError {
    /// It has not the form.
    #[error(
        "failed to read the rename {entry:?}: write \"Old DocType=New DocType\" or \"DocType.old_field=new_field\""
    )]
    Form {
        /// What was given.
        entry: String,
    },
    /// What it names is not there.
    #[error("failed to apply the rename {entry:?}: {side} has no {what}; it has {known}")]
    Absent {
        /// What was given.
        entry: String,
        /// `blue` or `green`.
        side: &'static str,
        /// What was looked for.
        what: String,
        /// What there is, nearest first.
        known: String,
    },
    /// One of the two versions has both fields: each has values of its own.
    #[error(
        "failed to apply the rename {entry:?}: {side} has {name:?} too, so the one does not take the place of the other; leave the rename out, and let a patch copy the values"
    )]
    Both {
        /// What was given.
        entry: String,
        /// `blue` or `green`.
        side: &'static str,
        /// The field that the other version alone should have.
        name: String,
    },
    /// One name of green is given two names of blue.
    #[error("failed to apply the rename {entry:?}: {new:?} is declared twice")]
    Twice {
        /// What was given.
        entry: String,
        /// The name.
        new: String,
    },
}

/// Every DocType of one version.
type DocTypes<'a> = BTreeMap<&'a str, (&'a App, &'a DocType)>;

impl Renames {
    /// Adds what was declared. What blue has behind it already (it knows the new name and not the old) is passed over, so
    /// that an entry may stay in a manifest after its release.
    ///
    /// # Errors
    /// If an entry names what the versions do not have; the message lists what there is.
    pub fn declare(
        &mut self,
        entries: &[String],
        blue: &Snapshot,
        green: &Snapshot,
    ) -> Result<(), RenameError> {
        let (blue, green) = (blue.doctypes(), green.doctypes());
        let is_known = |name: &str| blue.contains_key(name) || green.contains_key(name);
        let mut fields = Vec::new();
        // DocTypes first: a field may be given with either name of its DocType.
        for entry in entries {
            let (old, new) = split(entry)?;
            match field_of(old, is_known) {
                Some((doctype, old)) => fields.push((entry, doctype, (old, new))),
                None => self.declare_doctype(entry, (old, new), &blue, &green)?,
            }
        }
        for (entry, doctype, names) in fields {
            self.declare_field(entry, doctype, names, [&blue, &green])?;
        }
        Ok(())
    }

    fn declare_doctype(
        &mut self,
        entry: &str,
        (old, new): (&str, &str),
        blue: &DocTypes<'_>,
        green: &DocTypes<'_>,
    ) -> Result<(), RenameError> {
        if !blue.contains_key(old) && blue.contains_key(new) {
            return Ok(());
        }
        for (side, doctypes, name) in [("blue", blue, old), ("green", green, new)] {
            if !doctypes.contains_key(name) {
                return Err(absent(entry, side, format!("DocType {name:?}"), name, doctypes.keys().copied()));
            }
        }
        match self.doctypes.insert(new.to_owned(), old.to_owned()) {
            Some(known) if known != old => Err(twice(entry, new)),
            Some(_) | None => Ok(()),
        }
    }

    fn declare_field(
        &mut self,
        entry: &str,
        doctype: &str,
        (old, new): (&str, &str),
        [blue, green]: [&DocTypes<'_>; 2],
    ) -> Result<(), RenameError> {
        let after =
            self.doctypes.iter().find(|(_, before)| *before == doctype).map(|(after, _)| after.clone());
        let in_green = after.unwrap_or_else(|| doctype.to_owned());
        let in_blue = self.doctypes.get(&in_green).cloned().unwrap_or_else(|| in_green.clone());
        let find = |side, doctypes: &DocTypes<'_>, name: &str| match doctypes.get(name) {
            Some((_, doctype)) => Ok(doctype.fields.iter().map(|field| field.fieldname.clone()).collect()),
            None => Err(absent(entry, side, format!("DocType {name:?}"), name, doctypes.keys().copied())),
        };
        let (blue, green): (Vec<String>, Vec<String>) =
            (find("blue", blue, &in_blue)?, find("green", green, &in_green)?);
        let has = |fields: &[String], name: &str| fields.iter().any(|field| field == name);
        if !has(&blue, old) && has(&blue, new) {
            return Ok(());
        }
        for (side, fields, doctype, name) in
            [("blue", &blue, &in_blue, old), ("green", &green, &in_green, new)]
        {
            if !has(fields, name) {
                let what = format!("field {name:?} in {doctype}");
                return Err(absent(entry, side, what, name, fields.iter().map(String::as_str)));
            }
        }
        for (side, fields, name) in [("blue", &blue, new), ("green", &green, old)] {
            if has(fields, name) {
                return Err(RenameError::Both { entry: entry.to_owned(), side, name: name.to_owned() });
            }
        }
        match self.fields.insert((in_green, new.to_owned()), old.to_owned()) {
            Some(known) if known != old => Err(twice(entry, new)),
            Some(_) | None => Ok(()),
        }
    }
}

fn split(entry: &str) -> Result<(&str, &str), RenameError> {
    let sides = entry.split_once('=').map(|(old, new)| (old.trim(), new.trim()));
    sides
        .filter(|(old, new)| !old.is_empty() && !new.is_empty() && old != new)
        .ok_or_else(|| RenameError::Form { entry: entry.to_owned() })
}

/// DocType and field of `DocType.field`; `None` for a DocType, whose name may hold a full stop too.
fn field_of(text: &str, is_known: impl Fn(&str) -> bool) -> Option<(&str, &str)> {
    text.rsplit_once('.').filter(|_| !is_known(text))
}

fn twice(entry: &str, new: &str) -> RenameError {
    RenameError::Twice { entry: entry.to_owned(), new: new.to_owned() }
}

fn absent<'a>(
    entry: &str,
    side: &'static str,
    what: String,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> RenameError {
    // The longer the common beginning, the likelier it is what was meant.
    let common =
        |other: &str| other.chars().zip(name.chars()).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
    let mut known: Vec<&str> = known.collect();
    known.sort_by_key(|other| std::cmp::Reverse(common(other)));
    let more = known.len().saturating_sub(MOST_NAMES);
    let mut list =
        known.into_iter().take(MOST_NAMES).map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    if more > 0 {
        let _ = write!(list, " and {more} more");
    }
    RenameError::Absent { entry: entry.to_owned(), side, what, known: list }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctype::AppReader;

    fn snapshot(doctypes: &[(&str, &[&str])]) -> Snapshot {
        let mut reader = AppReader::new("shop");
        for (at, (name, fields)) in doctypes.iter().enumerate() {
            let fields: Vec<_> = fields.iter().map(|name| serde_json::json!({ "fieldname": name })).collect();
            let doctype = serde_json::json!({ "doctype": "DocType", "name": name, "fields": fields });
            reader.add(&format!("a/b/doctype/d{at}/d{at}.json"), doctype.to_string().as_bytes()).unwrap();
        }
        Snapshot::new(vec![reader.finish()])
    }

    fn declared(entries: &[&str]) -> Result<Renames, String> {
        let blue =
            snapshot(&[("Order", &["title", "note", "code"]), ("Tag", &["label"]), ("v1.Log", &["x"])]);
        let green =
            snapshot(&[("Order", &["subject", "note", "key"]), ("Label", &["text"]), ("v2.Log", &["x"])]);
        let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
        let mut renames = Renames::default();
        renames.declare(&entries, &blue, &green).map_err(|error| error.to_string())?;
        Ok(renames)
    }

    #[test]
    fn fields_and_doctypes_are_told_apart() {
        let renames =
            declared(&["Order.title=subject", "Tag.label=text", "Tag=Label", "v1.Log=v2.Log"]).unwrap();
        assert_eq!(renames.doctypes.get("Label").map(String::as_str), Some("Tag"));
        assert_eq!(renames.doctypes.get("v2.Log").map(String::as_str), Some("v1.Log"));
        let field =
            |doctype: &str, new: &str| renames.fields.get(&(doctype.to_owned(), new.to_owned())).cloned();
        assert_eq!(field("Order", "subject").as_deref(), Some("title"));
        assert_eq!(field("Label", "text").as_deref(), Some("label"));
    }

    #[test]
    fn what_blue_has_behind_it_is_passed_over() {
        assert_eq!(declared(&["Order.heading=title", "Sticker=Tag"]), Ok(Renames::default()));
    }

    #[test]
    fn a_wrong_name_is_an_error_that_says_what_there_is() {
        for (entry, expected) in [
            (
                "Order.titel=subject",
                "blue has no field \"titel\" in Order; it has \"title\", \"note\", \"code\"",
            ),
            (
                "Order.title=subjekt",
                "green has no field \"subjekt\" in Order; it has \"subject\", \"note\", \"key\"",
            ),
            ("Ordr=Label", "blue has no DocType \"Ordr\"; it has \"Order\""),
            ("Tag=Lable", "green has no DocType \"Lable\"; it has \"Label\""),
            ("Gone.title=subject", "blue has no DocType \"Gone\""),
            ("Order.title=note", "blue has \"note\" too"),
            ("Order.note=subject", "green has \"note\" too"),
            ("Order", "write \"Old DocType=New DocType\""),
            ("=x", "write"),
            ("Order=Order", "write"),
        ] {
            let message = declared(&[entry]).unwrap_err();
            assert!(message.contains(expected) && message.contains(entry), "{entry}: {message}");
        }
        assert!(declared(&["Order.title=subject", "Order.code=subject"]).unwrap_err().contains("twice"));
    }
}
