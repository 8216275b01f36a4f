//! Runs `testscripts/*`: two tiny apps, `shop` and `market`, made by commands, the plan as output. `UPDATE_GOLDENFILES=1` writes it anew.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

use goldenscript::{ArgumentConsumer, Command, Runner};
use serde_json::{Map, Value, json};

use crate::doctype::{AppReader, FrappeVersion, Snapshot};
use crate::patch::Files;

use crate::doctype::{CustomField, DocField, DocType, PropertySetter};

use super::{
    ColumnFacts, DataAnswer, Doubt, Example, IndexFacts, Input, KINDS, Plan, Renames, Site, TableFacts,
    data_questions, plan,
};

/// One version of the apps `shop` and `market` under the pen.
#[derive(Default)]
struct Draft {
    doctypes: BTreeMap<String, Map<String, Value>>,
    /// DocTypes of the second app.
    of_market: std::collections::BTreeSet<String>,
    patches: Vec<String>,
    files: BTreeMap<String, String>,
    code: Code,
}

/// Python files of the app by path.
#[derive(Default)]
struct Code(BTreeMap<String, String>);

impl Files for Code {
    fn file(&self, _: &str, path: &str) -> Option<Vec<u8>> {
        self.0.get(path).map(|text| text.clone().into_bytes())
    }
}

#[derive(Default)]
struct Script {
    blue: Draft,
    green: Draft,
    site: Option<Site>,
    accepted: Vec<String>,
    renames: Renames,
    frappe: Option<[FrappeVersion; 2]>,
    /// What the rows say: table, column, kind of doubt.
    found: BTreeMap<(String, String, String), DataAnswer>,
}

impl Draft {
    fn snapshot(&self) -> Result<Snapshot, Box<dyn Error>> {
        let (mut reader, mut market) = (AppReader::new("shop"), AppReader::new("market"));
        for (name, doctype) in &self.doctypes {
            let folder = name.replace(' ', "_").to_lowercase();
            let path = format!("shop/shop/doctype/{folder}/{folder}.json");
            let app = if self.of_market.contains(name) { &mut market } else { &mut reader };
            app.add(&path, &serde_json::to_vec(doctype)?)?;
        }
        reader.add("shop/patches.txt", self.patches.join("\n").as_bytes())?;
        for (path, text) in &self.files {
            reader.add(path, text.as_bytes())?;
        }
        for path in self.code.0.keys() {
            reader.add(path, b"")?;
        }
        let mut apps = vec![reader.finish()];
        apps.extend((!self.of_market.is_empty()).then(|| market.finish()));
        crate::patch::read(&mut apps, &self.code);
        crate::patch::read_controllers(&mut apps, &self.code);
        Ok(Snapshot::new(apps))
    }

    /// `doctype NAME app=market key=value..`, `field DOCTYPE NAME TYPE key=value..`, `patch LINE`, `file PATH TEXT`, and
    /// `code PATH LINE..` for a file of Python.
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
                    if (key, value) == ("app", "market") {
                        self.of_market.insert(name.clone());
                    } else {
                        entry.insert(key.to_owned(), json!(value));
                    }
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
            "code" => {
                let path = next()?;
                let lines: Vec<String> = std::iter::from_fn(|| next().ok()).collect();
                self.code.0.insert("shop/__init__.py".to_owned(), String::new());
                self.code.0.insert(path, lines.join("\n"));
            }
            other => return Err(format!("unknown part {other}").into()),
        }
        Ok(())
    }
}

impl Script {
    /// `found TABLE COLUMN duplicates|changed|rows rows=.. values=.. of=.. sample=1 example=VALUE becomes=VALUE`.
    fn answer(&mut self, command: &Command) -> Result<(), Box<dyn Error>> {
        let mut arguments = command.consume_args();
        let mut next = || arguments.next_pos().map(str::to_owned).ok_or("an argument is missing");
        let place = (next()?, next()?, next()?);
        let mut answer = DataAnswer { unanswered: None, ..DataAnswer::none("") };
        while let Some((key, value)) = arguments.next_key() {
            match key {
                "rows" => answer.rows = value.parse()?,
                "values" => answer.values = value.parse()?,
                "of" => answer.of = value.parse()?,
                "sample" => answer.sampled = true,
                "unanswered" => answer.unanswered = Some(value.to_owned()),
                "example" => {
                    answer.examples.push(Example { value: Some(value.to_owned()), becomes: None, rows: 0 });
                }
                "becomes" => {
                    let example = answer.examples.last_mut().ok_or("becomes what?")?;
                    example.becomes = Some(value.to_owned());
                }
                other => return Err(format!("unknown part {other}").into()),
            }
        }
        self.found.insert(place, answer);
        Ok(())
    }

    /// `table NAME engine=.. row_format=.. rows=..`, `column TABLE NAME TYPE`, `index TABLE COLUMNS key=value..`, `ran PATCH`,
    /// `custom DOCTYPE FIELD TYPE key=value..`, `setter DOCTYPE FIELD PROPERTY VALUE`, `doctype NAME`, `server VERSION`.
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
                        "rows" => table.rows = value.parse()?,
                        "row_format" => value.clone_into(&mut table.row_format),
                        other => return Err(format!("unknown fact {other}").into()),
                    }
                }
            }
            "column" => {
                let columns = &mut site.tables.entry(next()?).or_default().columns;
                let column =
                    ColumnFacts { name: next()?, column_type: next()?, nullable: true, default: None };
                columns.retain(|known| known.name != column.name);
                columns.push(column);
            }
            "index" => {
                let table = site.tables.entry(next()?).or_default();
                let columns = next()?;
                table.indexes.push(read_index(columns, &mut arguments)?);
            }
            "ran" => {
                site.patches.get_or_insert_default().insert(next()?);
            }
            "custom" => {
                let doctype = next()?;
                let mut field = json!({ "fieldname": next()?, "fieldtype": next()? });
                while let Some((key, value)) = arguments.next_key() {
                    field[key] = json!(value);
                }
                let field = field.as_object().and_then(|field| DocField::read(field).ok()?);
                site.custom_fields.push(CustomField { doctype, field: field.ok_or("no field")? });
            }
            "setter" => {
                let (doctype, field) = (next()?, Some(next()?));
                let (property, value) = (next()?, Some(next()?));
                site.property_setters.push(PropertySetter { doctype, field, property, value });
            }
            "doctype" => {
                let row = json!({ "name": next()? });
                let doctype = row.as_object().and_then(DocType::custom).ok_or("no DocType")?;
                site.custom_doctypes.push(doctype);
            }
            "server" => site.server = next()?,
            "app" => {
                site.installed_apps.push(next()?);
            }
            other => return Err(format!("unknown fact {other}").into()),
        }
        Ok(())
    }

    fn plan(&self) -> Result<Plan, Box<dyn Error>> {
        let (blue, green) = (self.blue.snapshot()?, self.green.snapshot()?);
        let mut site = self.site.clone();
        let asked = data_questions(&self.input(&blue, &green, site.as_ref()))?;
        for question in asked {
            let doubt = match question.doubt {
                Doubt::Duplicates { .. } => "duplicates",
                Doubt::Changed { .. } => "changed",
                Doubt::Rows { .. } => "rows",
            };
            let place = (question.table.clone(), question.column.clone(), doubt.to_owned());
            if let (Some(answer), Some(site)) = (self.found.get(&place), site.as_mut()) {
                site.answers.push((question, answer.clone()));
            }
        }
        Ok(plan(&self.input(&blue, &green, site.as_ref()))?)
    }

    /// What a script may ask for: `plan`, `changes`, `own`, `questions`, `hooks`, `frozen`, `singles`, `remaining`.
    fn print(&self, what: &str) -> Result<String, Box<dyn Error>> {
        let lines: Vec<String> = match what {
            "plan" => return Ok(show(&self.plan()?)),
            "changes" => {
                show(&self.plan()?).lines().filter(|line| !is_step(line)).map(str::to_owned).collect()
            }
            "own" => {
                let plan = self.plan()?;
                let line = |change: &super::Change| {
                    let field = change.field.as_deref().map(|field| format!(".{field}")).unwrap_or_default();
                    let own = change.steps.iter().flat_map(|step| ["\n  ", step]).collect::<String>();
                    format!("{} {}{field}{own}", change.kind, change.doctype)
                };
                plan.changes.iter().map(line).collect()
            }
            "questions" => {
                let (blue, green) = (self.blue.snapshot()?, self.green.snapshot()?);
                let asked = data_questions(&self.input(&blue, &green, self.site.as_ref()))?;
                asked
                    .iter()
                    .flat_map(|question| [question.count(None), question.examples(Some(1000))])
                    .collect()
            }
            "hooks" => {
                let line = |hook: super::MigrateHook| {
                    let new = if hook.is_new { " (new)" } else { "" };
                    format!("{} {} {}{new}", hook.app, hook.hook, hook.function)
                };
                self.plan()?.hooks.into_iter().map(line).collect()
            }
            "remaining" => {
                let plan = self.plan()?;
                let entries = plan.remaining.iter();
                entries
                    .map(|entry| format!("{}: {} - {}", entry.table, entry.columns.join(", "), entry.why))
                    .collect()
            }
            "frozen" => {
                let line = |entry: &super::FrozenTable| {
                    let writable = if entry.writable { " (writable)" } else { "" };
                    let shared = entry.shared.as_ref().map(|rows| {
                        format!("; shared by {} but for {}", rows.named_by, rows.except.join(", "))
                    });
                    format!("{}{writable} - {}{}", entry.table, entry.why, shared.unwrap_or_default())
                };
                self.plan()?.frozen.iter().map(line).collect()
            }
            "singles" => {
                let plan = self.plan()?;
                plan.singles.iter().map(|single| format!("{}.{}", single.doctype, single.field)).collect()
            }
            other => return Err(format!("unknown command {other}").into()),
        };
        Ok(lines.join("\n"))
    }

    fn input<'a>(&'a self, blue: &'a Snapshot, green: &'a Snapshot, site: Option<&'a Site>) -> Input<'a> {
        Input {
            site,
            accepted_patches: &self.accepted,
            blue_frappe: self.frappe.map(|[blue, _]| blue),
            green_frappe: self.frappe.map(|[_, green]| green),
            renames: self.renames.clone(),
            ..Input::new(blue, green)
        }
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
            "found" => self.answer(command)?,
            "frappe" => {
                let mut arguments = command.consume_args();
                let mut next = || arguments.next_pos().and_then(FrappeVersion::parse).ok_or("no version");
                self.frappe = Some([next()?, next()?]);
            }
            "accept" => {
                // `accept nothing` takes back what was accepted.
                let mut arguments = command.consume_args();
                match arguments.next_pos() {
                    Some("nothing") => self.accepted.clear(),
                    line => self.accepted.extend(line.map(str::to_owned)),
                }
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
            other => return self.print(other),
        }
        Ok(String::new())
    }
}

/// An index that is named like its columns, unless a script says another name.
fn read_index(name: String, more: &mut ArgumentConsumer<'_>) -> Result<IndexFacts, Box<dyn Error>> {
    let columns = name.split(',').map(str::to_owned).collect();
    let mut index = IndexFacts { name, columns, ..IndexFacts::default() };
    while let Some((key, value)) = more.next_key() {
        match key {
            "name" => value.clone_into(&mut index.name),
            "unique" => index.unique = true,
            "partial" => index.partial = true,
            other => return Err(format!("unknown fact {other}").into()),
        }
    }
    Ok(index)
}

fn is_step(line: &str) -> bool {
    ["> ", "  undo ", "  undo? ", "contract> "].iter().any(|prefix| line.starts_with(prefix))
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
            let _ = writeln!(text, "  {} {}", if undo.optional { "undo?" } else { "undo" }, undo.sql);
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

#[test]
fn every_kind_of_change_has_a_script() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/plan/testscripts");
    let scripts: String = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    // As a change of a plan, not as a word of a comment: `Additive field_added Order.channel: ...`.
    let words: std::collections::BTreeSet<&str> = scripts
        .lines()
        .filter(|line| super::Verdict::ALL.iter().any(|verdict| line.starts_with(verdict.name())))
        .filter_map(|line| line.split(' ').nth(1))
        .collect();
    let lacking: Vec<&&str> = KINDS.iter().filter(|kind| !words.contains(**kind)).collect();
    assert!(lacking.is_empty(), "no script shows {lacking:?}");
}
