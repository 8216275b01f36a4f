//! What is found in code, a few lines of Python at a time.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Files, read};
use crate::doctype::{Action, App, Effect, PatchLine, PatchSection, When};

struct Code(BTreeMap<String, String>);

impl Files for Code {
    fn file(&self, app: &str, path: &str) -> Option<Vec<u8>> {
        self.0.get(&format!("{app}:{path}")).map(|text| text.clone().into_bytes())
    }
}

/// The effects of the patch `shop.patches.p`, in a bench with the app `frappe`.
fn effects(files: &[(&str, &str)]) -> Vec<Effect> {
    effects_of("shop.patches.p", &["frappe", "shop"], files)
}

fn effects_of(line: &str, apps: &[&str], files: &[(&str, &str)]) -> Vec<Effect> {
    let mut code = Code(BTreeMap::new());
    for app in apps {
        code.0.insert(format!("{app}:{app}/__init__.py"), String::new());
    }
    for (path, text) in files {
        let app = path.split('/').next().unwrap();
        code.0.insert(format!("{app}:{path}"), (*text).to_owned());
    }
    let mut apps: Vec<App> = apps.iter().map(|app| App::empty(app)).collect();
    let patch = PatchLine { at: 3, ..PatchLine::new(PatchSection::PostModelSync, line) };
    apps.last_mut().unwrap().patches.push(patch);
    read(&mut apps, &code);
    apps.pop().unwrap().patches.pop().unwrap().effects.unwrap()
}

/// One line an effect: line number, `?` for a condition and `!` for one on the schema, what it does.
fn shown(effects: &[Effect]) -> String {
    let mut text = String::new();
    for effect in effects {
        let mark = match effect.when {
            When::Always => "",
            When::Schema => "!",
            When::Conditional => "?",
        };
        let what = match &effect.action {
            Action::RenameField { doctype, old, new } => format!("rename_field {doctype}.{old} {new}"),
            Action::RenameColumn { doctype, old, new } => format!("rename_column {doctype}.{old} {new}"),
            Action::RenameDocument { doctype, old, new } => format!("rename_doc {doctype} {old} {new}"),
            Action::DeleteDocument { doctype, name } => format!("delete_doc {doctype} {name:?}"),
            Action::Reload => "reload".to_owned(),
            Action::WriteRows { verb, table, columns, rows } => {
                format!("{verb:?} {table} {} {rows:?}", columns.join(","))
            }
            Action::WriteSingle { doctype, fields } => format!("single {doctype} {}", fields.join(",")),
            Action::WriteDocument { doctype, field, verb, fields, hooks } => {
                let field = field.as_ref().map(|field| format!(".{field}")).unwrap_or_default();
                let hooks = if *hooks { " hooks" } else { "" };
                format!("document {verb:?} {doctype}{field} {}{hooks}", fields.join(","))
            }
            Action::CustomField { field } => {
                format!("custom {}.{} {}", field.doctype, field.field.fieldname, field.field.fieldtype)
            }
            Action::PropertySetter { doctype, property } => format!("property {doctype} {property}"),
            Action::AddIndex { table, name, columns, unique } => {
                format!("index {table} {name} {} {unique}", columns.join(","))
            }
            Action::Ddl { table, verb, .. } => format!("ddl {verb} {table}"),
            Action::Unknown { text, why } => format!("unknown {text}: {why}"),
        };
        let _ = writeln!(text, "{}{mark} {what}", effect.line);
    }
    text
}

fn found(code: &str) -> String {
    shown(&effects(&[("shop/patches/p.py", code)]))
}

#[test]
fn literals_are_followed_through_assignments_loops_and_texts() {
    let code = r#"
import frappe
from frappe.model.utils.rename_field import rename_field as rf
PAIRS = {"Order": [("a", "b"), ("c", "d")], "Bill": [("e", "f")]}
PREFIX = "My "

def execute():
    for doctype, pairs in PAIRS.items():
        for old, new in pairs:
            rf(doctype, old, new)
    name = PREFIX + "Tag"
    for old in ("x",):
        frappe.rename_doc("DocType", f"{name}", "%s Label" % PREFIX.strip(), force=True)
        frappe.db.rename_column("{0}".format("Order"), old_column_name=old, new_column_name="y")
"#;
    assert_eq!(
        found(code),
        "10 rename_field Order.a b\n10 rename_field Order.c d\n10 rename_field Bill.e f\n\
         13 rename_doc DocType My Tag My Label\n14 rename_column Order.x y\n"
    );
}

#[test]
fn functions_are_followed_with_their_arguments_and_defaults() {
    let code = r#"
import frappe
from shop.setup import install as setup
from .names import TABLES

def execute():
    helper("Order")
    helper("Bill", field="paid")
    setup("Item")
    for table in TABLES:
        frappe.db.delete(table)

def helper(doctype, field="done"):
    inner(doctype, {field: 1})

def inner(doctype, values):
    frappe.db.set_value(doctype, "x", values, update_modified=False)
"#;
    let setup =
        "import frappe\ndef install(doctype):\n\tfrappe.delete_doc('Page', 'old-' + doctype.lower())\n";
    let files = [
        ("shop/patches/p.py", code),
        ("shop/setup.py", setup),
        ("shop/patches/names.py", "TABLES = ['Log', 'Trace']"),
    ];
    let found = effects(&files);
    assert_eq!(
        shown(&found),
        "17 Update tabOrder done Named\n17 Update tabBill paid Named\n3 delete_doc Page Some(\"old-item\")\n\
         11 Delete tabLog  All\n11 Delete tabTrace  All\n"
    );
    assert_eq!(found[2].file, "shop/setup.py");
}

#[test]
fn conditions_and_early_returns_are_marked() {
    let code = r#"
import frappe
def execute():
    frappe.db.delete("A", {"x": 1})
    if frappe.db.table_exists("B") and not frappe.db.exists("DocType", "B"):
        frappe.db.delete("B")
    if frappe.db.db_type == "postgres":
        frappe.db.delete("Never")
    if not frappe.db.has_column("C", "c"):
        return
    frappe.db.delete("C")
    for row in frappe.get_all("D"):
        if row.x:
            continue
        frappe.db.delete("D", row.name)
    if frappe.conf.developer_mode:
        return
    frappe.db.delete("E")
"#;
    assert_eq!(
        found(code),
        "4 Delete tabA  Some\n6! Delete tabB  All\n11! Delete tabC  All\n15? Delete tabD  Some\n18? Delete tabE  All\n"
    );
}

#[test]
fn sql_is_read_as_sql() {
    let code = r#"
import frappe
def execute():
    frappe.db.sql("select name from `tabA` for update")
    frappe.db.sql("update `tabOrder` set total = %s, note=%(n)s", (1,))
    frappe.db.sql("""update `tabOrder` o, `tabBill` b set o.total = b.total where o.name = b.order""")
    frappe.db.sql("delete from `tabLog` where name = %s", 1)
    frappe.db.sql(f"delete from `tab{frappe.scrub('x')}`")
    frappe.db.sql("INSERT INTO `tabSeries` (name, current) VALUES (%s, %s)", ("a", 1))
    frappe.db.multisql({"mariadb": "ALTER TABLE `tabOrder` DROP COLUMN note, ADD INDEX x (y)", "postgres": "x"})
    frappe.db.sql_ddl("alter table `tabOrder` drop index if exists `x`")
    frappe.db.sql_ddl("truncate table `tabLog`")
    frappe.db.sql("grant all on *.* to x")
"#;
    let found = found(code);
    let expected = "5 Update tabOrder total,note All\n6 Update tabOrder total Some\n7 Delete tabLog  Named\n\
                    8 unknown frappe.db.sql(f\"delete from `tab{frappe.scrub('x')}`\"): it is not known which table is \
                    written: delete from `tab?`\n9 Insert tabSeries name,current Named\n10 ddl DROP COLUMN tabOrder\n\
                    10 ddl ADD INDEX tabOrder\n11 ddl DROP INDEX tabOrder\n12 ddl TRUNCATE tabLog\n13 unknown ";
    assert!(found.starts_with(expected), "{found}");
}

#[test]
fn a_query_that_is_built_in_branches_does_what_either_does() {
    let code = r#"import frappe
def execute():
    invoice = frappe.qb.DocType("Invoice")
    query = frappe.qb.update(invoice).set(invoice.partner, "").where(invoice.merged == 1)
    if frappe.db.has_column("Invoice", "pos"):
        query = query.where(invoice.pos == 0)
    query.run()
    one = frappe.qb.update(invoice).set(invoice.paid, 0).where(invoice.name == "a")
    if frappe.conf.all:
        one = frappe.qb.update(invoice).set(invoice.open, 1)
    one.run()
    other = frappe.qb.update(invoice).set(invoice.paid, 0)
    if frappe.conf.all:
        other = frappe.qb.update("Bill").set("paid", 0)
    other.run()
"#;
    assert_eq!(
        found(code),
        "7 Update tabInvoice partner Some\n11 Update tabInvoice open,paid All\n\
         15 unknown other.run(): it is not known what this is called on\n"
    );
}

#[test]
fn the_query_builder_counts_where_it_runs() {
    let code = r#"
import frappe
from frappe.query_builder import DocType
def execute():
    order = frappe.qb.DocType("Order")
    bill = DocType("Bill")
    frappe.qb.update(order).set(order.total, order.net + 1).set("note", "x").where(order.name == "y").run()
    frappe.qb.update("Bill").set(bill.paid, 1).run()
    frappe.qb.from_(bill).delete().where(bill.paid == 0).run()
    frappe.qb.into(bill).columns("name", "paid").insert("a", 1).run()
    frappe.qb.from_(bill).select(bill.name).run(as_dict=True)
    frappe.qb.update(order).set(order.never, 1)
"#;
    assert_eq!(
        found(code),
        "7 Update tabOrder total,note Named\n8 Update tabBill paid All\n9 Delete tabBill  Some\n\
         10 Insert tabBill name,paid Named\n"
    );
}

#[test]
fn documents_are_known_by_where_they_come_from() {
    let code = r#"
import frappe
def execute():
    settings = frappe.get_single("Shop Settings")
    settings.limit = 3
    settings.set("rows", [])
    settings.save()
    frappe.get_doc({"doctype": "Tag", "label": "x"}).insert(ignore_permissions=True)
    for name in frappe.get_all("Client", pluck="name"):
        doc = frappe.get_doc("Client", name)
        row = doc.append("roles", {"role": "All"})
        row.db_insert()
        doc.db_set("done", 1)
        for item in doc.items:
            item.db_set({"a": 1})
    frappe.new_doc("Bill").save()
    frappe.get_doc(frappe.conf.x, "y").save()
    frappe.get_doc("Client", "x").own_method()
"#;
    assert_eq!(
        found(code),
        "7 document Update Shop Settings limit,rows hooks\n8 document Insert Tag  hooks\n\
         12 document Insert Client.roles \n13 document Update Client done\n15 document Update Client.items a\n\
         16 document Insert Bill  hooks\n17 unknown frappe.get_doc(frappe.conf.x, \"y\").save(): it is not known which \
         DocType is written\n18 unknown frappe.get_doc(\"Client\", \"x\").own_method(): a method of the class of Client, \
         which is not read\n"
    );
}

#[test]
fn customisation_indexes_and_settings_are_found() {
    let code = r#"
import frappe
from frappe.custom.doctype.custom_field.custom_field import create_custom_fields
from frappe.custom.doctype.property_setter.property_setter import make_property_setter
def execute():
    create_custom_fields({("Order", "Bill"): [dict(fieldname="extra", fieldtype="Data", label="Extra")]})
    make_property_setter("Order", "note", "reqd", 1, "Check")
    frappe.make_property_setter({"doctype": "Order", "fieldname": "x", "property": "hidden", "value": 1})
    frappe.db.add_index("Order", ["a", "b(10)"])
    frappe.db.add_unique("Order", "c", constraint_name="only_c")
    frappe.db.set_single_value("Shop Settings", {"a": 1, "b": 2})
    frappe.db.set_value("Shop Settings", None, "c", 1)
    frappe.db.bulk_update("Order", {"x": {"total": 1}})
    frappe.reload_doc("shop", "doctype", "order")
    frappe.permissions.reset_perms("Order")
"#;
    assert_eq!(
        found(code),
        "6 custom Order.extra Data\n6 custom Bill.extra Data\n7 property Order reqd\n8 property Order hidden\n\
         9 index tabOrder a_b_index a,b(10) false\n10 index tabOrder only_c c true\n11 single Shop Settings a,b\n\
         12 single Shop Settings c\n13 Update tabOrder total,modified,modified_by Named\n14 reload\n\
         15 Update tabCustom DocPerm  Some\n"
    );
}

#[test]
fn what_cannot_be_resolved_is_named_with_its_text() {
    let code = r#"
import frappe, subprocess
from shop.gone import helper
def execute():
    helper(1)
    frappe.get_attr("shop." + frappe.conf.x)()
    subprocess.run(["x"])
    for x in unknown():
        x.save()
    rename(frappe.conf.name)
    frappe.enqueue("shop.x")
    eval("1")

def rename(name):
    frappe.rename_doc("DocType", name, "Y")
"#;
    let found = found(code);
    for expected in [
        "5 unknown helper(1): shop.gone.helper is not followed",
        "6 unknown frappe.get_attr(\"shop.\" + frappe.conf.x)(): what is called is not known",
        "7 unknown subprocess.run([\"x\"]): subprocess.run is not",
        "8 unknown unknown(): what is called",
        "9 unknown x.save(): it is not known what",
        "15 unknown frappe.rename_doc(\"DocType\", name, \"Y\"): it is not known what is renamed",
        "11 unknown frappe.enqueue(\"shop.x\"): a job",
        "12 unknown eval(\"1\"): it runs code",
    ] {
        assert!(found.contains(expected), "{expected} is not in {found}");
    }
    assert_eq!(found.lines().count(), 8, "{found}");
}

#[test]
fn a_bench_without_frappe_has_its_first_app_as_framework() {
    let code = "import bench0\nfrom bench0.rename_field import rename_field\ndef execute():\n    \
                rename_field('Order', 'a', 'b')\n    bench0.db.rename_column('Order', 'c', 'd')\n";
    let line = "shop.patches.p";
    let found = effects_of(line, &["bench0", "shop"], &[("shop/patches/p.py", code)]);
    assert_eq!(shown(&found), "4 rename_field Order.a b\n5 rename_column Order.c d\n");
    let alone = effects_of(line, &["frappe", "shop"], &[("shop/patches/p.py", code)]);
    assert!(alone.iter().all(|effect| matches!(effect.action, Action::Unknown { .. })));
}

#[test]
fn lines_of_code_and_final_patches_are_read() {
    let run =
        |line: &str| effects_of(line, &["frappe", "shop"], &[("shop/patches/p.py", "def execute(): x.y()")]);
    let line = "execute:import frappe.x; frappe.delete_doc('Page', 'a') #2020";
    let found = run(line);
    assert_eq!(
        (shown(&found).as_str(), found[0].file.as_str()),
        ("3 delete_doc Page Some(\"a\")\n", "shop/patches.txt")
    );
    assert!(shown(&run("execute:frappe.x(")).contains("failed to parse shop/patches.txt: line 1"));
    assert!(shown(&run("finally:shop.patches.p")).contains("unknown x.y()"));
    assert!(shown(&run("shop.patches.gone")).contains("failed to find shop/patches/gone.py"));
    assert!(shown(&run("shop.patches")).contains("failed to find"));
    assert!(shown(&run("../../etc/passwd")).contains("failed to find"));
}

#[test]
fn every_branch_is_walked_through() {
    let code = r#"
import frappe
def execute():
    doc = None
    names = []
    for x in frappe.get_all("A"):
        if doc:
            doc.save()
        doc = frappe.get_doc("A", x)
        names.append(x)
    if names:
        frappe.db.delete("A")
    else:
        frappe.db.delete("B")
    try:
        frappe.db.delete("C")
    except Exception:
        frappe.db.delete("D")
    finally:
        frappe.db.delete("E")
    value = pick()
    if value:
        frappe.db.delete("F")
    else:
        frappe.db.delete("G")
    [frappe.db.delete("H", n) for n in names if n]
    map(lambda n: frappe.db.delete("I"), names)
    frappe.db.delete("J") if names else frappe.db.delete("K")

def pick():
    if frappe.conf.x:
        return None
    return "x"
"#;
    let found = found(code);
    for table in ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K"] {
        assert!(found.contains(&format!("Delete tab{table} ")), "{table} is not in {found}");
    }
    assert!(found.contains("8? unknown doc.save()"), "{found}");
}
