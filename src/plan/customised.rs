//! The apps with what is set over them: Property Setters, and `DocTypes` that live in the site's database alone.
//!
//! Frappe's sync works on the customised DocType, so the planner compares those. Blue has what the site has (or, without
//! a site, what its apps bring along); green has that and, over it, what its own apps bring along, which migrate enters.

use std::collections::{BTreeMap, BTreeSet};

use crate::doctype::{App, DocType, PropertySetter, Snapshot};

use super::{Change, Site};

/// `DocTypes` by name, with the app that holds them.
pub(crate) type DocTypes<'a> = BTreeMap<&'a str, (&'a App, &'a DocType)>;

/// Setters of one version by their place: those of one place are one.
type Setters<'a> = BTreeMap<(&'a str, Option<&'a str>, &'a str), (&'a str, &'a PropertySetter)>;

/// Both versions as the site makes them.
pub(crate) struct Customised {
    blue: BTreeMap<String, DocType>,
    green: BTreeMap<String, DocType>,
    /// Holds what only the database has.
    site: App,
    /// Places at which the versions differ: DocType, field -> the app that sets it, and what.
    set: BTreeMap<(String, Option<String>), (String, BTreeSet<String>)>,
}

impl Customised {
    /// The facts of the site stand once under blue's names of DocTypes, once under green's.
    pub(crate) fn new(blue: &Snapshot, green: &Snapshot, [site, renamed]: [Option<&Site>; 2]) -> Self {
        let in_blue = of_site(site).unwrap_or_else(|| of_apps(blue));
        let before = of_site(renamed).unwrap_or_else(|| of_apps(blue));
        let mut in_green = before.clone();
        in_green.extend(of_apps(green));
        let mut set = BTreeMap::new();
        for (place, (app, setter)) in &in_green {
            if before.get(place).map(|(_, known)| *known) != Some(*setter) {
                let key = (place.0.to_owned(), place.1.map(str::to_owned));
                let entry: &mut (String, BTreeSet<String>) =
                    set.entry(key).or_insert_with(|| ((*app).to_owned(), BTreeSet::new()));
                entry.1.insert(setter.property.clone());
            }
        }
        let mut of_site = App::empty("the site");
        for doctype in site.map(|site| site.custom_doctypes.as_slice()).unwrap_or_default() {
            of_site.doctypes.insert(doctype.name.clone(), doctype.clone());
        }
        Self {
            blue: customised(blue, &of_site, &in_blue),
            green: customised(green, &of_site, &in_green),
            site: of_site,
            set,
        }
    }

    /// Blue's DocTypes.
    pub(crate) fn blue<'a>(&'a self, snapshot: &'a Snapshot) -> DocTypes<'a> {
        self.over(snapshot, &self.blue)
    }

    /// Green's DocTypes.
    pub(crate) fn green<'a>(&'a self, snapshot: &'a Snapshot) -> DocTypes<'a> {
        self.over(snapshot, &self.green)
    }

    fn over<'a>(&'a self, snapshot: &'a Snapshot, customised: &'a BTreeMap<String, DocType>) -> DocTypes<'a> {
        let of_site =
            self.site.doctypes.values().map(|doctype| (doctype.name.as_str(), (&self.site, doctype)));
        let mut all: DocTypes<'a> = of_site.collect();
        // An app's DocType takes the place of a custom one of its name, as at migrate.
        all.extend(snapshot.doctypes());
        for (name, doctype) in customised {
            if let Some(entry) = all.get_mut(name.as_str()) {
                entry.1 = doctype;
            }
        }
        all
    }

    /// Says at each change that a Property Setter of green's apps makes who makes it.
    pub(crate) fn explain(&self, changes: &mut [Change]) {
        for change in changes {
            let place = (change.doctype.clone(), change.field.clone());
            if let Some((app, properties)) = self.set.get(&place) {
                let properties: Vec<&str> = properties.iter().map(String::as_str).collect();
                change.why =
                    format!("a Property Setter of {app} sets {}: {}", properties.join(", "), change.why);
                change.app.clone_from(app);
            }
        }
    }
}

fn of_site(site: Option<&Site>) -> Option<Setters<'_>> {
    let setters = site?.property_setters.iter();
    Some(setters.map(|setter| (setter.place(), ("", setter))).collect())
}

fn of_apps(snapshot: &Snapshot) -> Setters<'_> {
    let all = snapshot.apps.iter();
    let all = all.flat_map(|app| app.property_setters.iter().map(move |setter| (app.name.as_str(), setter)));
    all.map(|(app, setter)| (setter.place(), (app, setter))).collect()
}

/// The DocTypes that some setter is about, with all of them applied.
fn customised(snapshot: &Snapshot, of_site: &App, setters: &Setters<'_>) -> BTreeMap<String, DocType> {
    if setters.is_empty() {
        return BTreeMap::new();
    }
    let mut known: DocTypes<'_> =
        of_site.doctypes.values().map(|doctype| (doctype.name.as_str(), (of_site, doctype))).collect();
    known.extend(snapshot.doctypes());
    let mut made: BTreeMap<String, DocType> = BTreeMap::new();
    for (place, (_, setter)) in setters {
        let Some((_, doctype)) = known.get(place.0) else { continue };
        let doctype = made.entry(place.0.to_owned()).or_insert_with(|| (*doctype).clone());
        setter.apply(doctype);
    }
    made
}
