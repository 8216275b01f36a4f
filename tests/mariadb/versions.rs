//! Two versions of an app out of DocTypes, with the plan between them and a site that has the old one's tables.

use crossfade::doctype::{AppReader, FrappeVersion, Snapshot};
use crossfade::plan::{Input, Plan, Renames, plan};
use crossfade::schema::facts;
use serde_json::{Value, json};

use super::server::Server;
use super::site::Site;

/// Plans from nothing to the old version, and from the old to the new one.
pub(crate) struct Versions {
    pub(crate) first: Plan,
    pub(crate) plan: Plan,
}

impl Versions {
    /// `renames` are the DocType, the new name and the old name of a field.
    pub(crate) fn new(blue: &[Value], green: &[Value], renames: &[(&str, &str, &str)]) -> Self {
        Self::of(["15.41.0"; 2], [&snapshot(blue), &snapshot(green)], renames)
    }

    /// The same with the versions of Frappe of both, and all of their apps.
    pub(crate) fn of(
        frappe: [&str; 2],
        [blue, green]: [&Snapshot; 2],
        renames: &[(&str, &str, &str)],
    ) -> Self {
        Self::renaming(frappe, [blue, green], of_fields(renames))
    }

    /// The same where DocTypes have other names too.
    pub(crate) fn renaming(frappe: [&str; 2], [blue, green]: [&Snapshot; 2], renames: Renames) -> Self {
        let nothing = Snapshot::new(Vec::new());
        let first = input([frappe[0]; 2], [&nothing, blue], Renames::default());
        let second = input(frappe, [blue, green], renames);
        Self { first: plan(&first).unwrap(), plan: plan(&second).unwrap() }
    }

    /// A site with the old version's tables, empty, and the plan in place.
    pub(crate) fn site(&self, server: &'static Server, name: &str) -> Site {
        self.site_by(Site::on(server, name), |site, sql| site.admin(sql))
    }

    fn site_by(&self, site: Site, send: impl Fn(&Site, &str) -> String) -> Site {
        send(&site, super::site::SMALL);
        send(&site, NAMED_IN);
        for step in &self.first.expand {
            site.admin(&step.sql);
        }
        site.plan(self.plan.clone());
        site
    }
}

/// Tables beside those of [`SMALL`](super::site::SMALL) in whose rows the framework's `rename_field` looks for the field's name.
pub(crate) const NAMED_IN: &str = "CREATE TABLE `tabProperty Setter` (name varchar(140) PRIMARY KEY, doc_type varchar(140), field_name varchar(140)); \
     ALTER TABLE `tabCustom Field` ADD COLUMN insert_after varchar(140); \
     CREATE TABLE tabReport (name varchar(140) PRIMARY KEY, ref_doctype varchar(140), json longtext); \
     CREATE TABLE tabDefaultValue (name varchar(140) PRIMARY KEY, parent varchar(140), defkey varchar(140), defvalue text); \
     CREATE TABLE __UserSettings (user varchar(180) NOT NULL, doctype varchar(180) NOT NULL, data text, UNIQUE KEY user (user, doctype))";

/// A DocType of the module Shop.
pub(crate) fn doctype(name: &str, fields: &[Value], more: &Value) -> Value {
    let mut doctype = json!({ "doctype": "DocType", "name": name, "module": "Shop", "fields": fields });
    if let (Value::Object(doctype), Value::Object(more)) = (&mut doctype, more) {
        doctype.extend(more.clone());
    }
    doctype
}

/// A field.
pub(crate) fn field(name: &str, kind: &str) -> Value {
    json!({ "fieldname": name, "fieldtype": kind })
}

/// The DocType, the new name and the old name of each field.
pub(crate) fn of_fields(fields: &[(&str, &str, &str)]) -> Renames {
    let mut renames = Renames::default();
    for (doctype, new, old) in fields {
        renames.fields.insert(((*doctype).to_owned(), (*new).to_owned()), (*old).to_owned());
    }
    renames
}

fn input<'a>(frappe: [&str; 2], [blue, green]: [&'a Snapshot; 2], renames: Renames) -> Input<'a> {
    let [old, new] = frappe.map(FrappeVersion::parse);
    Input { blue_frappe: old, green_frappe: new, renames, ..Input::new(blue, green) }
}

/// The plan between two versions on a site, by what its database says.
pub(crate) fn live_plan(site: &Site, [blue, green]: [&Snapshot; 2], renames: Renames) -> Plan {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = format!("mysql://127.0.0.1:{}/{}", site.server.port, site.name);
    let facts = runtime.block_on(async {
        let mut connection = facts::connect(&url, Some(&site.server.credentials())).await.unwrap();
        facts::read(&mut connection).await.unwrap()
    });
    let input = Input { site: Some(&facts), ..input(["15.41.0"; 2], [blue, green], renames) };
    plan(&input).unwrap()
}

/// The app `shop` with these DocTypes.
pub(crate) fn snapshot(doctypes: &[Value]) -> Snapshot {
    let mut reader = AppReader::new("shop");
    for (at, doctype) in doctypes.iter().enumerate() {
        let path = format!("shop/shop/doctype/d{at}/d{at}.json");
        reader.add(&path, &serde_json::to_vec(doctype).unwrap()).unwrap();
    }
    Snapshot::new(vec![reader.finish()])
}

/// A renamed text, a text that becomes a number and a number that becomes a text.
pub(crate) fn usual() -> Versions {
    let deal = |customer: &str, count: &str, code: &str| {
        let fields =
            [field(customer, "Data"), field("count", count), field("code", code), field("note", "Long Text")];
        doctype("Deal", &fields, &json!({}))
    };
    Versions::new(
        &[deal("customer", "Data", "Int")],
        &[deal("client", "Int", "Data")],
        &[("Deal", "client", "customer")],
    )
}

/// Rows for [`usual`]; every third has a text that is no number.
pub(crate) fn fill_usual(site: &Site, rows: u32) {
    site.admin(&format!(
        "INSERT INTO tabDeal (name, customer, count, code, note) SELECT CONCAT('D', LPAD(seq, 6, '0')), CONCAT('c', seq), \
         IF(seq % 3, seq, CONCAT('no ', seq)), seq, REPEAT('n', 200) FROM seq_1_to_{rows}"
    ));
}

/// Rows of [`usual`] that were never written and are not as the casts say, seen from green.
pub(crate) const WRONG: &str = "SELECT COUNT(*) FROM tabDeal WHERE name LIKE 'D%' AND NOT (BINARY client <=> CONCAT('c', code) \
                                AND count <=> IF(code % 3, code, 0))";
