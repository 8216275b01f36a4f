//! What users have saved names fields in JSON: at the contract a renamed field gets its new name there, and nothing else does.

use super::server::server;
use super::versions::usual;

#[test]
#[ignore = "needs mariadbd"]
fn reports_and_lists_name_a_renamed_field_by_its_new_name_when_blue_is_gone() {
    let site = usual().site(server(), "named_json");
    site.expanded();
    // As pages write it, as Python does, and by a name that is the field's but for its case.
    let of_deal = r#"{"filters":[["Deal","customer","=","Customer"]],"columns":[["customer","Deal"]],"sort_by":"Deal.customer"}"#;
    let of_python = r#"{"filters": [["Deal", "customer", "=", "CUSTOMER"]], "sort_by": "customer"}"#;
    let of_another = r#"{"columns": [["customer", "Deal"], ["customer", "Order"]], "filters": [["Order", "customer", "=", "Deal"]], "order_by": "`tabDeal`.`customer` asc"}"#;
    let untouched = r#"{"filters":[["Deal","name","=","Customer"]]}"#;
    let list = r#"[["customer", "Deal"], ["customer", "Order"]]"#;
    site.admin(&format!(
        "INSERT INTO tabReport VALUES ('1', 'Deal', '{of_deal}'), ('2', 'Deal', '{of_python}'), ('3', 'Order', '{of_another}'), \
         ('4', 'Deal', '{untouched}'); \
         INSERT INTO __UserSettings VALUES ('u', 'Deal', '{of_deal}'), ('v', 'Deal', '{untouched}'); \
         INSERT INTO tabDefaultValue VALUES ('1', 'u', '_list_settings:Order', '{list}'), ('2', 'u', 'list_settings', '{list}')"
    ));
    site.run("contract", &["--without-backup"]).ok();
    let of_deal = r#"{"filters":[["Deal","client","=","Customer"]],"columns":[["client","Deal"]],"sort_by":"Deal.client"}"#;
    assert_eq!(
        site.base("SELECT json FROM tabReport ORDER BY name"),
        [
            of_deal,
            r#"{"filters": [["Deal", "client", "=", "CUSTOMER"]], "sort_by": "client"}"#,
            r#"{"columns": [["client", "Deal"], ["customer", "Order"]], "filters": [["Order", "customer", "=", "Deal"]], "order_by": "`tabDeal`.`client` asc"}"#,
            untouched,
        ]
        .join("\n")
    );
    assert_eq!(
        site.base("SELECT defvalue FROM tabDefaultValue ORDER BY name"),
        format!("[[\"client\", \"Deal\"], [\"customer\", \"Order\"]]\n{list}")
    );
    // A sort by the field with its DocType is a setting of lists too.
    assert_eq!(site.base("SELECT data FROM __UserSettings ORDER BY user"), format!("{of_deal}\n{untouched}"));
}
