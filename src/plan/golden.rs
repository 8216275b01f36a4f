//! Runs `testscripts/*`: two tiny apps made by commands, the plan as output. `UPDATE_GOLDENFILES=1` writes it anew.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

use goldenscript::{Command, Runner};
use serde_json::{Map, Value, json};

use crate::doctype::{AppReader, FrappeVersion, Snapshot};

use super::{IndexFacts, Input, Plan, Renames, Site, TableFacts, plan};

/// One version of the app `shop` under the pen.
#[derive(Default)]
struct Draft {
    doctypes: BTreeMap<String, Map<String, Value>>,
    patches: Vec<String>,
    files: BTreeMap<String, String>,
}

#[derive(Default)]
struct Script {
    blue: Draft,
    green: Draft,
    site: Option<Site>,
    accepted: Vec<String>,
    renames: Renames,
    frappe: Option<[FrappeVersion; 2]>,
}

impl Draft {
    fn snapshot(&self) -> Result<Snapshot, Box<dyn Error>> {
        let mut reader = AppReader::new("shop");
        for (name, doctype) in &self.doctypes {
            let folder = name.replace(' ', "_").to_lowercase();
            let path = format!("shop/shop/doctype/{folder}/{folder}.json");
            reader.add(&path, &serde_json::to_vec(doctype)?)?;
        }
        reader.add("shop/patches.txt", self.patches.join("\n").as_bytes())?;
        for (path, text) in &self.files {
            reader.add(path, text.as_bytes())?;
        }
        Ok(Snapshot::new(vec![reader.finish()]))
    }

    /// `doctype NAME key=value..`, `field DOCTYPE NAME TYPE key=value..`, `patch LINE`, `file PATH TEXT`.
    fn change(&mut self, command: &Command) -> Result<(), Box<dyn Error>> {
        let mut arguments = command.consume_args();
        let mut next = || arguments.next_pos().map(str::to_owned).ok_or("an argument is missing");
        match next()?.as_str() {
            "doctype" => {
                let name = next()?;
                let entry = self.doctypes.entry(name.clone()).or_default();
                entry.extend([
                    ("doctype".to_owned(), json!("DocType")),
                    ("name".to_owned(), json!(name)),
                    ("module".to_owned(), json!("Shop")),
                ]);
                while let Some((key, value)) = arguments.next_key() {
                    entry.insert(key.to_owned(), json!(value));
                }
            }
            "field" => {
                let doctype = next()?;
                let mut field = json!({ "fieldname": next()?, "fieldtype": next()? });
                while let Some((key, value)) = arguments.next_key() {
                    field[key] = json!(value);
                }
                let doctype = self.doctypes.get_mut(&doctype).ok_or("there is no such DocType")?;
                let fields = doctype.entry("fields").or_insert_with(|| json!([]));
                fields.as_array_mut().ok_or("fields is no list")?.push(field);
            }
            "patch" => self.patches.push(next()?),
            "file" => {
                self.files.insert(next()?, next()?);
            }
            other => return Err(format!("unknown part {other}").into()),
        }
        Ok(())
    }
}

impl Script {
    /// `table NAME engine=.. row_format=..`, `column TABLE NAME TYPE`, `index TABLE COLUMN`, `ran PATCH`, `custom DOCTYPE FIELD`.
    fn live(&mut self, command: &Command) -> Result<(), Box<dyn Error>> {
        let site = self.site.get_or_insert_default();
        let mut arguments = command.consume_args();
        let mut next = || arguments.next_pos().map(str::to_owned).ok_or("an argument is missing");
        match next()?.as_str() {
            "table" => {
                let table = site.tables.entry(next()?).or_default();
                *table = TableFacts { engine: "InnoDB".to_owned(), ..TableFacts::default() };
                while let Some((key, value)) = arguments.next_key() {
                    match key {
                        "engine" => value.clone_into(&mut table.engine),
                        "row_format" => value.clone_into(&mut table.row_format),
                        other => return Err(format!("unknown fact {other}").into()),
                    }
                }
            }
            "column" => {
                site.tables.entry(next()?).or_default().columns.insert(next()?, next()?);
            }
            "index" => {
                let table = site.tables.entry(next()?).or_default();
                let column = next()?;
                let columns = column.split(',').map(str::to_owned).collect();
                table.indexes.push(IndexFacts { name: column, columns, unique: false });
            }
            "ran" => {
                site.patches.get_or_insert_default().insert(next()?);
            }
            "custom" => {
                site.custom_fields.entry(next()?).or_default().insert(next()?);
            }
            other => return Err(format!("unknown fact {other}").into()),
        }
        Ok(())
    }

    fn plan(&self) -> Result<Plan, Box<dyn Error>> {
        let (blue, green) = (self.blue.snapshot()?, self.green.snapshot()?);
        let input = Input {
            site: self.site.as_ref(),
            accepted_patches: &self.accepted,
            blue_frappe: self.frappe.map(|[blue, _]| blue),
            green_frappe: self.frappe.map(|[_, green]| green),
            renames: self.renames.clone(),
            ..Input::new(&blue, &green)
        };
        Ok(plan(&input)?)
    }
}

impl Runner for Script {
    type Command = Command;

    fn run(&mut self, command: &Command, _: &goldenscript::Context) -> Result<String, Box<dyn Error>> {
        match command.name.as_str() {
            "blue" => self.blue.change(command)?,
            "green" => self.green.change(command)?,
            "both" => {
                self.blue.change(command)?;
                self.green.change(command)?;
            }
            "site" => self.live(command)?,
            "frappe" => {
                let mut arguments = command.consume_args();
                let mut next = || arguments.next_pos().and_then(FrappeVersion::parse).ok_or("no version");
                self.frappe = Some([next()?, next()?]);
            }
            "accept" => {
                let mut arguments = command.consume_args();
                self.accepted.extend(arguments.next_pos().map(str::to_owned));
            }
            "rename" => {
                let mut arguments = command.consume_args();
                let mut next = || arguments.next_pos().map(str::to_owned);
                match (next(), next(), next()) {
                    (Some(doctype), Some(old), Some(new)) => {
                        self.renames.fields.insert((doctype, new), old);
                    }
                    (Some(old), Some(new), None) => {
                        self.renames.doctypes.insert(new, old);
                    }
                    (_, _, _) => return Err("rename [DOCTYPE] OLD NEW".into()),
                }
            }
            "remaining" => {
                let plan = self.plan()?;
                let lines = plan
                    .remaining
                    .iter()
                    .map(|entry| format!("{}: {} - {}", entry.table, entry.columns.join(", "), entry.why));
                return Ok(lines.collect::<Vec<_>>().join("\n"));
            }
            "plan" => return Ok(show(&self.plan()?)),
            "frozen" => {
                let plan = self.plan()?;
                let lines = plan.frozen.iter().map(|entry| {
                    format!(
                        "{}{} - {}",
                        entry.table,
                        if entry.writable { " (writable)" } else { "" },
                        entry.why
                    )
                });
                return Ok(lines.collect::<Vec<_>>().join("\n"));
            }
            "singles" => {
                let plan = self.plan()?;
                let lines = plan.singles.iter().map(|single| format!("{}.{}", single.doctype, single.field));
                return Ok(lines.collect::<Vec<_>>().join("\n"));
            }
            other => return Err(format!("unknown command {other}").into()),
        }
        Ok(String::new())
    }
}

fn show(plan: &Plan) -> String {
    let mut text = format!("{:?}: {}\n", plan.verdict, plan.summary);
    for change in &plan.changes {
        let place = change
            .field
            .as_ref()
            .map_or(change.doctype.clone(), |field| format!("{}.{field}", change.doctype));
        let _ = writeln!(text, "{:?} {} {place}: {}", change.verdict, change.kind, change.why);
    }
    for question in &plan.questions {
        let _ = writeln!(text, "? {}", question.ask);
    }
    for step in &plan.expand {
        let _ = writeln!(text, "> {}", step.sql);
        for undo in &step.undo {
            let _ = writeln!(text, "  undo {}", undo.sql);
        }
    }
    for step in &plan.contract {
        let _ = writeln!(text, "contract> {}", step.sql);
    }
    text
}

#[test]
fn plans_are_as_the_scripts_say() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/plan/testscripts");
    let mut scripts: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    scripts.sort();
    assert!(scripts.len() >= 8);
    for script in scripts {
        goldenscript::run(&mut Script::default(), &script).unwrap();
    }
}
