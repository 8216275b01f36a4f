//! Back to the version before, as long as there is a way back.

use serde_json::Value;

use super::annotation;
use crate::api::names::ANNOTATION_ABORT;
use crate::api::{FrappeRelease, Phase};

/// How a release is undone.
#[derive(Debug, Clone, PartialEq)]
pub struct Undone {
    /// The revision to be taken back.
    pub revision: u32,
    /// The one that comes back.
    pub blue: u32,
    /// The fields that ask for it.
    pub fields: Value,
}

/// How a release is undone now.
///
/// # Errors
/// In words, if there is no way back.
pub fn undo(release: &FrappeRelease) -> Result<Undone, String> {
    let (revision, blue) = revisions(release)?;
    Ok(Undone { revision, blue, fields: annotation(ANNOTATION_ABORT, &revision.to_string()) })
}

/// The revision to be taken back and the one that comes back, or why there is no way back.
fn revisions(release: &FrappeRelease) -> Result<(u32, u32), String> {
    let status = release.status.clone().unwrap_or_default();
    let is_contracting = status.sites.iter().any(|site| site.step == "contract");
    let Some(green) = status.green else { return Err("nothing was released yet".to_owned()) };
    let forward = |what: &str| {
        format!(
            "{what}: from here the old version is a new release, planned like any other. Set spec.image to it (`kubectl \
             crossfade history` shows which it was)"
        )
    };
    match (status.phase, status.blue) {
        (Some(Phase::Complete), _) => Err(forward(&format!("revision {} is complete", green.revision))),
        (Some(Phase::Contracting), _) if is_contracting => {
            Err(forward(&format!("the contraction of revision {} has begun", green.revision)))
        }
        (Some(Phase::RollingBack), _) => Err("it goes back to blue already".to_owned()),
        (Some(Phase::RolledBack), _) => Err("it was taken back already".to_owned()),
        (Some(_), Some(blue)) => Ok((green.revision, blue.revision)),
        (Some(_), None) => Err("this is the first version: there is none before it".to_owned()),
        (None, _) => Err("nothing was released yet".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undone(status: &str) -> Result<(u32, u32), String> {
        let release = serde_yaml::from_str::<FrappeRelease>(&format!(
            "{{apiVersion: crossfade.dev/v1alpha1, kind: FrappeRelease, metadata: {{name: erp}},
              spec: {{image: 'a:2', sites: [], bench: {{commonConfigSecret: {{name: c, key: k}}}},
                database: {{adminSecret: {{name: a}}}}, web: {{}}, traffic: {{}}}},
              status: {{green: {{revision: 2, image: 'a:2', ready: 2}}, {status}}}}}"
        ));
        revisions(&release.map_err(|error| error.to_string())?)
    }

    #[test]
    fn there_is_a_way_back_until_the_first_contract_job() {
        let blue = "blue: {revision: 1, image: 'a:1', ready: 0}";
        for phase in ["Planning", "Expanding", "Shifting", "Draining", "Contracting"] {
            assert_eq!(undone(&format!("phase: {phase}, {blue}")), Ok((2, 1)), "{phase}");
        }
        let begun = "sites: [{name: s, step: contract, state: Running}]";
        let words = undone(&format!("phase: Contracting, {blue}, {begun}")).unwrap_err();
        assert!(
            words.contains("the contraction of revision 2 has begun") && words.contains("spec.image"),
            "{words}"
        );
        assert!(undone("phase: Complete").unwrap_err().contains("a new release"));
        assert!(undone(&format!("phase: RollingBack, {blue}")).is_err());
        assert!(undone("phase: Shifting").unwrap_err().contains("first version"));
    }
}
