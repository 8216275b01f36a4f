//! Plans made by hand, for the small schema of [`super::site::SMALL`].

use crossfade::plan::{Basis, Effect, FrozenTable, Plan, SharedRows, SingleField, Step, Undo, Verdict, Work};

/// A plan that changes nothing: blue is isolated, and that is all.
pub(crate) fn neutral() -> Plan {
    let except = ["Home", "Sales"].map(str::to_owned).to_vec();
    let homes = SharedRows { named_by: "name".to_owned(), except };
    Plan {
        format: Plan::FORMAT,
        site: "site".to_owned(),
        apps: Vec::new(),
        verdict: Verdict::Neutral,
        summary: "nothing changes".to_owned(),
        changes: Vec::new(),
        questions: Vec::new(),
        remaining: Vec::new(),
        frozen: vec![
            frozen("tabCustom Field", false),
            frozen("tabDocField", false),
            frozen("tabDocType", false),
            frozen("tabSingles", true),
            FrozenTable { shared: Some(homes), ..frozen("tabWorkspace", true) },
            frozen("tabNot There", true),
        ],
        singles: vec![single("Settings", "colour"), single("Settings", "logo")],
        expand: Vec::new(),
        contract: Vec::new(),
        in_step: Vec::new(),
        patches: Vec::new(),
        hooks: Vec::new(),
        basis: Basis::default(),
        hash: String::new(),
    }
}

/// A field, an index, a child table with its orphan guard, an autoincrement sequence.
pub(crate) fn additive() -> Plan {
    let create = "CREATE TABLE `tabOrder Tax` (name varchar(140) PRIMARY KEY, parent varchar(140), \
                  parentfield varchar(140), parenttype varchar(140), rate int(11) NOT NULL DEFAULT 0, \
                  KEY parent (parent)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC";
    let guard = "CREATE TRIGGER `__crossfade_orphans_order` AFTER DELETE ON `tabOrder` FOR EACH ROW \
                 DELETE FROM `tabOrder Tax` WHERE parent = OLD.name AND parenttype = 'Order'";
    let trigger = || "__crossfade_orphans_order".to_owned();
    let drop_guard = Undo {
        optional: false,
        sql: "DROP TRIGGER IF EXISTS `__crossfade_orphans_order`".to_owned(),
        effect: Effect::TriggerAbsent { trigger: trigger() },
        work: Work::Statement,
    };
    Plan {
        verdict: Verdict::Additive,
        expand: vec![
            step(
                "0001",
                "ALTER TABLE `tabOrder` ADD COLUMN `channel` varchar(140) DEFAULT 'web', ALGORITHM=INSTANT",
                Effect::ColumnsExist { table: "tabOrder".to_owned(), columns: vec!["channel".to_owned()] },
            ),
            step(
                "0002",
                "ALTER TABLE `tabOrder` ADD INDEX `channel_index` (`channel`), ALGORITHM=INPLACE, LOCK=NONE",
                Effect::IndexExists {
                    table: "tabOrder".to_owned(),
                    columns: vec!["channel".to_owned()],
                    unique: false,
                },
            ),
            step("0003", create, Effect::TableExists { table: "tabOrder Tax".to_owned() }),
            Step {
                undo: vec![drop_guard.clone()],
                ..step("0004", guard, Effect::TriggerExists { trigger: trigger() })
            },
            step(
                "0005",
                "CREATE SEQUENCE tax_id_seq NOCACHE NOCYCLE",
                Effect::SequenceExists { sequence: "tax_id_seq".to_owned() },
            ),
        ],
        contract: vec![step("c001", &drop_guard.sql, drop_guard.effect)],
        ..neutral()
    }
}

/// One step without an undo.
pub(crate) fn step(id: &str, sql: &str, effect: Effect) -> Step {
    Step::statement(id.to_owned(), format!("step {id}"), sql.to_owned(), effect)
}

/// One frozen table.
pub(crate) fn frozen(table: &str, writable: bool) -> FrozenTable {
    FrozenTable { table: table.to_owned(), writable, why: "test".to_owned(), shared: None }
}

/// One field of a Single that both versions know.
pub(crate) fn single(doctype: &str, field: &str) -> SingleField {
    SingleField { doctype: doctype.to_owned(), field: field.to_owned(), ..SingleField::default() }
}
