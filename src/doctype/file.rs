//! A DocType's file as typed values, without a tree of its JSON in between: other keys are passed over as they are read.
//!
//! Lenient as Frappe is: a flag may be `1`, `true` or `"1"`, a number may be text, text may be a number. A key that is
//! there twice counts as Python's parser counts it: the last one.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::column::cint;

/// Fields of one DocType; `MariaDB` takes 4,096 columns.
pub(super) const MAX_FIELDS: usize = 4096;

/// What a DocType's file says, as far as it matters.
#[derive(Debug, Default)]
pub(super) struct DocTypeFile {
    pub(super) doctype: Text,
    pub(super) name: Text,
    pub(super) module: Text,
    pub(super) autoname: Text,
    pub(super) engine: Text,
    pub(super) sort_field: Text,
    pub(super) issingle: Whole,
    pub(super) istable: Whole,
    pub(super) is_virtual: Whole,
    pub(super) is_submittable: Whole,
    pub(super) is_tree: Whole,
    pub(super) track_seen: Whole,
    pub(super) fields: Fields,
    pub(super) field_order: Order,
}

/// One entry of `fields`.
#[derive(Debug, Default)]
pub(super) struct FieldEntry {
    pub(super) fieldname: Text,
    pub(super) fieldtype: Text,
    pub(super) label: Text,
    pub(super) options: Text,
    pub(super) default: Text,
    pub(super) length: Whole,
    pub(super) precision: Whole,
    pub(super) reqd: Whole,
    pub(super) unique: Whole,
    pub(super) search_index: Whole,
    pub(super) is_virtual: Whole,
    pub(super) not_nullable: Whole,
}

/// A text; `None` if it is missing, empty, a list or an object.
#[derive(Debug, Default)]
pub(super) struct Text(pub(super) Option<String>);

/// A whole number as Frappe's `cint` reads it; 0 if it is none.
#[derive(Debug, Default)]
pub(super) struct Whole(pub(super) i64);

/// The list of fields, or what is wrong with it.
#[derive(Debug)]
pub(super) struct Fields(pub(super) Result<Vec<FieldEntry>, String>);

/// Names of `field_order`; an empty one orders nothing.
#[derive(Debug, Default)]
pub(super) struct Order(pub(super) Vec<String>);

/// An object or not: entries of a list may be anything.
struct Entry(Option<FieldEntry>);

/// A key without a copy of it.
struct Key<'de>(Cow<'de, str>);

impl Default for Fields {
    fn default() -> Self {
        Self(Ok(Vec::new()))
    }
}

impl Whole {
    /// Whether the flag is set.
    pub(super) fn is_set(&self) -> bool {
        self.0 != 0
    }
}

/// The arms of a visitor that all lenient types share: what is not named gives the type's value for "nothing".
macro_rules! otherwise_nothing {
    ($nothing:expr; $($name:ident($($type:ty)?)),*) => {
        $(fn $name<E>(self $(, _: $type)?) -> Result<Self::Value, E> { Ok($nothing) })*
    };
}

macro_rules! pass_over {
    ($nothing:expr; seq) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok($nothing)
        }
    };
    ($nothing:expr; map) => {
        fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok($nothing)
        }
    };
}

/// Deserializes a type by a visitor that takes whatever comes.
macro_rules! lenient {
    ($type:ty, $visitor:ident) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any($visitor)
            }
        }
    };
}

/// An object whose keys set fields of a struct; other keys are passed over.
macro_rules! keyed {
    ($type:ident: $($key:ident),*) => {
        impl $type {
            fn read<'de, A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
                let mut made = Self::default();
                while let Some(key) = object.next_key::<Key<'de>>()? {
                    match key.0.as_ref() {
                        $(stringify!($key) => made.$key = object.next_value()?,)*
                        _ => { object.next_value::<IgnoredAny>()?; }
                    }
                }
                Ok(made)
            }
        }
    };
}

keyed!(DocTypeFile: doctype, name, module, autoname, engine, sort_field, issingle, istable, is_virtual,
    is_submittable, is_tree, track_seen, fields, field_order);
keyed!(FieldEntry: fieldname, fieldtype, label, options, default, length, precision, reqd, unique, search_index,
    is_virtual, not_nullable);

struct TextVisitor;
lenient!(Text, TextVisitor);

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("anything")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text(Some(text.to_owned()).filter(|text| !text.is_empty())))
    }

    fn visit_bool<E>(self, set: bool) -> Result<Text, E> {
        Ok(Text(Some(u8::from(set).to_string())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
        Ok(Text(Some(number.to_string())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Text, E> {
        Ok(Text(Some(number.to_string())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Text, E> {
        Ok(Text(Number::from_f64(number).map(|number| number.to_string())))
    }

    otherwise_nothing!(Text::default(); visit_unit(), visit_none());
    pass_over!(Text::default(); seq);
    pass_over!(Text::default(); map);
}

struct WholeVisitor;
lenient!(Whole, WholeVisitor);

impl<'de> Visitor<'de> for WholeVisitor {
    type Value = Whole;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("anything")
    }

    fn visit_str<E>(self, text: &str) -> Result<Whole, E> {
        Ok(Whole(cint(text)))
    }

    fn visit_bool<E>(self, set: bool) -> Result<Whole, E> {
        Ok(Whole(i64::from(set)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Whole, E> {
        Ok(Whole(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Whole, E> {
        Ok(Whole(i64::try_from(number).unwrap_or(0)))
    }

    otherwise_nothing!(Whole::default(); visit_f64(f64), visit_unit(), visit_none());
    pass_over!(Whole::default(); seq);
    pass_over!(Whole::default(); map);
}

struct EntryVisitor;
lenient!(Entry, EntryVisitor);

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Entry, A::Error> {
        FieldEntry::read(object).map(|entry| Entry(Some(entry)))
    }

    otherwise_nothing!(Entry(None); visit_str(&str), visit_bool(bool), visit_i64(i64), visit_u64(u64),
        visit_f64(f64), visit_unit(), visit_none());
    pass_over!(Entry(None); seq);
}

struct FieldsVisitor;
lenient!(Fields, FieldsVisitor);

impl FieldsVisitor {
    fn no_list() -> Fields {
        Fields(Err("its \"fields\" is not a list".to_owned()))
    }
}

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("anything")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Fields, A::Error> {
        let (mut entries, mut wrong) = (Vec::new(), None);
        while entries.len() < MAX_FIELDS
            && let Some(entry) = list.next_element::<Entry>()?
        {
            match entry.0 {
                Some(entry) => entries.push(entry),
                None if wrong.is_none() => wrong = Some(entries.len()),
                None => {}
            }
        }
        // The rest is counted and not kept.
        let mut count = entries.len();
        while list.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Fields(match wrong {
            _ if count > MAX_FIELDS => Err(format!("it has {count} fields, a table may have {MAX_FIELDS}")),
            Some(at) => Err(format!("\"fields\"[{at}] is not an object")),
            None => Ok(entries),
        }))
    }

    fn visit_unit<E>(self) -> Result<Fields, E> {
        Ok(Fields::default())
    }

    otherwise_nothing!(FieldsVisitor::no_list(); visit_str(&str), visit_bool(bool), visit_i64(i64),
        visit_u64(u64), visit_f64(f64));
    pass_over!(FieldsVisitor::no_list(); map);
}

struct OrderVisitor;
lenient!(Order, OrderVisitor);

impl<'de> Visitor<'de> for OrderVisitor {
    type Value = Order;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("anything")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Order, A::Error> {
        let mut names = Vec::new();
        // More names than a table has fields order nothing.
        while names.len() < 2 * MAX_FIELDS
            && let Some(name) = list.next_element::<Text>()?
        {
            names.push(name.0.unwrap_or_default());
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Order(names))
    }

    otherwise_nothing!(Order::default(); visit_str(&str), visit_bool(bool), visit_i64(i64), visit_u64(u64),
        visit_f64(f64), visit_unit(), visit_none());
    pass_over!(Order::default(); map);
}

struct DocTypeVisitor;

impl<'de> Visitor<'de> for DocTypeVisitor {
    type Value = Option<DocTypeFile>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        DocTypeFile::read(object).map(Some)
    }

    /// A file may be a list of one document.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let first = list.next_element::<Inner>()?.and_then(|inner| inner.0);
        let mut more = false;
        while list.next_element::<IgnoredAny>()?.is_some() {
            more = true;
        }
        Ok(first.filter(|_| !more))
    }

    otherwise_nothing!(None; visit_str(&str), visit_bool(bool), visit_i64(i64), visit_u64(u64),
        visit_f64(f64), visit_unit(), visit_none());
}

/// An entry of such a list.
struct Inner(Option<DocTypeFile>);
struct InnerVisitor;
lenient!(Inner, InnerVisitor);

impl<'de> Visitor<'de> for InnerVisitor {
    type Value = Inner;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Inner, A::Error> {
        DocTypeFile::read(object).map(|file| Inner(Some(file)))
    }

    otherwise_nothing!(Inner(None); visit_str(&str), visit_bool(bool), visit_i64(i64), visit_u64(u64),
        visit_f64(f64), visit_unit(), visit_none());
    pass_over!(Inner(None); seq);
}

impl DocTypeFile {
    /// Reads a file; `None` if it is no object (or a list of one).
    ///
    /// # Errors
    /// If it is no JSON; `serde_json` stops at 128 levels by itself, so deep input does not end in a stack overflow.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>, serde_json::Error> {
        match str::from_utf8(bytes) {
            // Once for the whole file and not for each of its texts.
            Ok(text) => Self::read_all(serde_json::Deserializer::from_str(text)),
            // Its error says where.
            Err(_) => Self::read_all(serde_json::Deserializer::from_slice(bytes)),
        }
    }

    fn read_all<'de>(
        mut deserializer: serde_json::Deserializer<impl serde_json::de::Read<'de>>,
    ) -> Result<Option<Self>, serde_json::Error> {
        let made = deserializer.deserialize_any(DocTypeVisitor)?;
        deserializer.end()?;
        Ok(made)
    }
}

impl<'de> Deserialize<'de> for FieldEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Entry::deserialize(deserializer).map(|entry| entry.0.unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(text.to_owned())))
    }
}
