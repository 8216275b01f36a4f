//! What is known to leave the database alone. Everything else that is called is followed or reported.
//!
//! docs/explanation/patches.md lists this for people who read a plan.

use ruff_python_ast::Expr;

use crate::doctype::When;

use super::value::Value;

/// Calls of `frappe.db` that read, or end a transaction.
const DATABASE: &str = "a_row_exists avg begin commit count describe escape estimate_count exists field_exists \
    get_all get_cached_value get_column_index get_column_type get_creation_count \
    get_db_table_columns get_default get_defaults get_descendants get_global get_index_name \
    get_list get_single_value get_singles_dict get_singles_value get_table_columns get_tables \
    get_temp_schema_name get_value get_values has_column has_index has_table is_data_too_long \
    is_missing_column is_missing_table max min release_savepoint rollback savepoint sum \
    table_exists get_row_size";

/// Functions at the top of `frappe` that read, print or keep something in memory.
const TOP: &str = "_ _lt as_json cache as_unicode bold cint clear_cache clear_document_cache clear_last_message \
    clear_messages clear_website_cache cstr errprint flt format format_date format_value \
    generate_hash get_active_domains get_all get_all_apps get_app_path get_cached_value get_conf \
    get_date get_db_value get_doc_hooks get_domain_data get_file_items get_file_json get_hooks \
    get_installed_apps get_list get_meta get_module_list get_module_path get_pymodule_path \
    get_roles get_single_value get_site_config get_site_path get_system_settings get_template \
    get_time get_traceback get_user get_value get_version getLogger has_permission \
    is_setup_complete is_table is_whitelisted log log_error logger message_log msgprint only_for \
    parse_json print_sql read_file render_template respond_as_web_page safe_decode safe_encode \
    safe_eval scrub set_user throw unscrub has_website_permission";

/// Modules of the framework whose functions compute, format or read.
const MODULES: &str = "cache cache_manager utils.data utils.html_utils utils.dateutils utils.formatters utils.jinja \
    utils.logger utils.caching query_builder exceptions translate meta model.meta";

/// Single functions elsewhere in the framework.
const SINGLE: &str = "model.naming.is_autoincremented model.naming.append_number_if_name_exists \
    model.naming.parse_naming_series permissions.get_doctype_roles permissions.get_valid_perms \
    permissions.get_linked_doctypes desk.form.linked_with.get_linked_doctypes desk.utils.slug \
    email.utils.get_port database.database.savepoint modules.utils.get_module_app";

/// Functions of `frappe.utils` itself that write something.
const UTILS_THAT_WRITE: &str = "execute_in_shell touch_file enqueue";

/// Values and objects of the framework that code reads, whatever it takes of them.
const OBJECTS: &str = "flags conf session form_dict request response message_log debug_log lang user local cache \
    db.db_type exceptions DoesNotExistError";

/// Whether a list of words has this one.
fn has(list: &str, name: &str) -> bool {
    list.split(' ').any(|known| known == name)
}

/// Whether a name of the framework is one of those listed here or called by name elsewhere in this folder.
pub(super) fn is_known(name: &str) -> bool {
    let first = name.split('.').next().unwrap_or_default();
    matches!(first, "db" | "qb") || has(OBJECTS, first) || is_harmless(name)
}

/// Whether a call of the framework leaves the database alone.
pub(super) fn is_harmless(name: &str) -> bool {
    if let Some(call) = name.strip_prefix("db.") {
        return has(DATABASE, call);
    }
    let (module, last) = name.rsplit_once('.').unwrap_or(("", name));
    if module.is_empty() {
        return has(TOP, name) || is_exception(name);
    }
    let first = name.split('.').next().unwrap_or_default();
    has(OBJECTS, first)
        || has(SINGLE, name)
        || is_exception(last)
        || (module == "utils" && !has(UTILS_THAT_WRITE, last))
        || MODULES.split(' ').any(|known| {
            module.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
}

fn is_exception(name: &str) -> bool {
    name.ends_with("Error") || name.ends_with("Exception")
}

/// What an attribute of the framework is, if it is a plain value.
pub(super) fn constant(name: &str) -> Option<Value> {
    match name {
        // The only database that Crossfade serves.
        "db.db_type" | "conf.db_type" => Some(Value::text("mariadb")),
        // Of MariaDB's columns (`frappe/database/database.py`).
        "db.VARCHAR_LEN" => Some(Value::Int(140)),
        "__version__" => Some(Value::Data),
        _ => match name.split_once('.') {
            Some(("flags" | "conf" | "session" | "form_dict", rest)) if !rest.contains('.') => {
                Some(if is_method_of_data(rest) {
                    Value::name(format!("builtins.{rest}"))
                } else {
                    Value::Data
                })
            }
            _ => None,
        },
    }
}

/// Whether nothing comes after a call: `frappe.throw(...)`, `sys.exit()`.
pub(super) fn never_returns(call: &Expr) -> bool {
    let Expr::Call(call) = call else { return false };
    match call.func.as_ref() {
        Expr::Attribute(attribute) => {
            let of =
                |name: &str| matches!(attribute.value.as_ref(), Expr::Name(base) if base.id.as_str() == name);
            (attribute.attr.as_str() == "throw" && of("frappe"))
                || (attribute.attr.as_str() == "exit" && of("sys"))
        }
        _ => false,
    }
}

/// What a method in a condition says of when something happens.
pub(super) fn asks_for_schema(method: &str, first: Option<&Expr>) -> When {
    match method {
        "has_column" | "table_exists" | "has_table" | "has_field" | "get_field" | "get_table_columns"
        | "get_tables" | "has_index" | "get_column_type" | "get_valid_columns" | "field_exists" => {
            When::Schema
        }
        "exists" => match first {
            Some(Expr::StringLiteral(text)) if text.value.to_str() == "DocType" => When::Schema,
            _ => When::Conditional,
        },
        _ => When::Conditional,
    }
}

/// Python's functions that are always there.
pub(super) fn is_builtin(name: &str) -> bool {
    const NAMES: &str = "__import__ abs all any bool bytes callable chr compile dict dir divmod enumerate eval exec \
        filter float format frozenset getattr globals hasattr hash id input int isinstance \
        issubclass iter len list locals map max min next object open ord pow print property range \
        repr reversed round set setattr slice sorted str sum super tuple type vars zip Exception \
        ValueError KeyError TypeError delattr";
    has(NAMES, name) || is_exception(name)
}

/// Whether a name is of Python's own library or of a library beside Frappe, none of which knows the site's database.
pub(super) fn is_of_python(name: &str) -> bool {
    const ROOTS: &str = "ast base64 bs4 calendar click collections configparser contextlib copy cryptography csv \
        datetime dateutil decimal enum filelock functools glob hashlib markdown markdownify html io \
        itertools json logging math mimetypes operator orjson os pathlib phonenumbers pypika pytz \
        random re requests secrets semantic_version string sys textwrap time traceback types typing \
        unicodedata urllib uuid warnings zipfile zoneinfo";
    let root = name.split('.').next().unwrap_or_default();
    has(ROOTS, root) && !matches!(name, "os.system" | "os.popen" | "os.execv")
}

/// Methods of texts, lists, dicts, dates and the like: whatever has them, they stay in memory.
pub(super) fn is_method_of_data(method: &str) -> bool {
    const METHODS: &str = "add append as_dict as_json capitalize clear copy count date decode difference discard encode \
        endswith extend find findall format get get_text group groups index intersection isdigit \
        isoformat issubset items join keys lower lstrip match pop popitem read remove replace \
        reverse rsplit rstrip search set setdefault sort split splitlines startswith strftime strip \
        sub test time title total_seconds union update upper values year zfill isnull isin notin \
        like";
    has(METHODS, method)
}

/// Methods of documents that read, or change what is in memory alone.
pub(super) fn is_method_of_document(method: &str) -> bool {
    const METHODS: &str = "as_dict as_json check_permission extend get_all_children get_db_value get_doc_before_save \
        get_field get_formatted get_from_dict get_label_from_fieldname get_meta \
        get_parentfield_of_doctype get_password get_signature get_title get_url get_valid_columns \
        get_valid_dict get_value has_permission has_value_changed is_dummy_password is_new \
        is_whitelisted items keys lock precision remove set set_parent_in_children \
        set_user_and_timestamp setdefault unlock update_if_missing values _set_defaults";
    has(METHODS, method)
}
