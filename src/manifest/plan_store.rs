//! Stored plans: a `ConfigMap` a site, `<release>-r<number>-plan-<slug>`, with the plan and the routing compressed.
//!
//! The planning Job prints each between two marks as gzip in base64, because a Job has no other way to hand
//! something over without rights on the API server. What is between the marks is checked before it is stored.

use std::collections::BTreeMap;
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;

use super::{Blueprint, Component};
use crate::api::names::{
    ANNOTATION_PLAN_HASH, ANNOTATION_PLAN_SUMMARY, ANNOTATION_PLAN_VERDICT, ANNOTATION_SITE, LABEL_SITE,
    site_slug,
};
use crate::plan::{Plan, Routing, Verdict};
use crate::release::PlanSeen;

/// Key of the compressed plan, and the name of its file where the `ConfigMap` is mounted.
pub const KEY: &str = "plan.json.gz";
/// Key of the compressed routing: which requests belong to which app.
const ROUTING_KEY: &str = "routing.json.gz";
/// What a plan may take up when it is unpacked: more is no plan.
const MAX_BYTES: u64 = 256 << 20;
/// What a `ConfigMap` may hold (the API server's limit is 1 MiB for the whole object).
const MAX_STORED: usize = 1_000_000;
/// Characters of the summary that go into an annotation.
const MAX_SUMMARY: usize = 1024;

/// A plan that cannot be taken from a log or stored.
#[derive(Debug, thiserror::Error)]
pub enum PlanStoreError {
    /// The marks are not in the log.
    #[error(
        "failed to find a whole plan in the log of the planning Job: delete the Job to have it made again"
    )]
    NoFrame,
    /// What is between the marks is not base64.
    #[error("failed to decode the plan in the log of the planning Job")]
    Decode(#[from] base64::DecodeError),
    /// What is between the marks is not gzip.
    #[error("failed to unpack the plan in the log of the planning Job")]
    Unpack(#[from] std::io::Error),
    /// What is between the marks is not a plan.
    #[error("failed to read the plan in the log of the planning Job")]
    Parse(#[from] serde_json::Error),
    /// The plan's hash does not fit it.
    #[error("failed to trust the plan of site '{0}': its hash does not fit its content")]
    Unsealed(String),
    /// The plan has another shape than this program knows.
    #[error("failed to use the plan of site '{site}': its format is {found}, this operator knows {known}")]
    Format {
        /// Site of the plan.
        site: String,
        /// Format of the plan.
        found: u32,
        /// Format that this program writes.
        known: u32,
    },
    /// The plan is for another site.
    #[error("failed to use the plan: it is for site '{found}', not for '{wanted}'")]
    WrongSite {
        /// Site of the plan.
        found: String,
        /// Site it was made for.
        wanted: String,
    },
    /// The plan does not fit into a `ConfigMap`.
    #[error(
        "failed to store the plan of site '{site}': {bytes} bytes packed, and a ConfigMap holds {MAX_STORED}"
    )]
    TooLarge {
        /// Site of the plan.
        site: String,
        /// Its packed size.
        bytes: usize,
    },
}

/// A plan as it came from the log, checked, with the bytes that are stored.
#[derive(Debug, Clone, PartialEq)]
pub struct PackedPlan {
    /// The plan.
    pub plan: Plan,
    /// The plan as compressed JSON.
    pub packed: Vec<u8>,
    /// Which requests belong to which app.
    pub routing: Routing,
    /// The routing as compressed JSON.
    pub packed_routing: Vec<u8>,
}

/// Name of the `ConfigMap` of a site's plan.
pub fn name(release: &str, green: u32, site: &str) -> String {
    crate::api::names::part_name(release, green, &format!("plan-{}", site_slug(site)))
}

/// Takes the plan of a site out of the log of its planning Job.
pub fn from_log(log: &str, site: &str) -> Result<PackedPlan, PlanStoreError> {
    let packed = frame(log, "PLAN")?;
    let plan: Plan = serde_json::from_slice(&unpack(&packed)?)?;
    if plan.format != Plan::FORMAT {
        return Err(PlanStoreError::Format {
            site: site.to_owned(),
            found: plan.format,
            known: Plan::FORMAT,
        });
    }
    if plan.site != site {
        return Err(PlanStoreError::WrongSite { found: plan.site, wanted: site.to_owned() });
    }
    if !plan.is_sealed() {
        return Err(PlanStoreError::Unsealed(site.to_owned()));
    }
    let packed_routing = frame(log, "ROUTING")?;
    let routing = serde_json::from_slice(&unpack(&packed_routing)?)?;
    let bytes = packed.len() + packed_routing.len();
    if bytes > MAX_STORED {
        return Err(PlanStoreError::TooLarge { site: site.to_owned(), bytes });
    }
    Ok(PackedPlan { plan, packed, routing, packed_routing })
}

/// What stands between two marks in a log, still compressed.
fn frame(log: &str, what: &str) -> Result<Vec<u8>, PlanStoreError> {
    let (begin, end) =
        (format!("-----BEGIN CROSSFADE {what}-----"), format!("-----END CROSSFADE {what}-----"));
    let (_, rest) = log.split_once(&begin).ok_or(PlanStoreError::NoFrame)?;
    let (body, _) = rest.split_once(&end).ok_or(PlanStoreError::NoFrame)?;
    Ok(STANDARD.decode(body.split_whitespace().collect::<String>())?)
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, std::io::Error> {
    let mut json = Vec::new();
    flate2::read::GzDecoder::new(packed).take(MAX_BYTES).read_to_end(&mut json)?;
    Ok(json)
}

/// The routing that is stored with a plan; nothing for one that an older operator stored, or that was spoilt.
pub fn routing(config_map: &ConfigMap) -> Option<Routing> {
    let packed = config_map.binary_data.as_ref()?.get(ROUTING_KEY)?;
    serde_json::from_slice(&unpack(&packed.0).ok()?).ok()
}

/// The `ConfigMap` of a plan.
pub fn config_map(green: &Blueprint<'_>, packed: PackedPlan) -> Result<ConfigMap, PlanStoreError> {
    let PackedPlan { plan, packed, routing: _, packed_routing } = packed;
    let mut metadata =
        green.metadata(name(&green.release_name(), green.revision, &plan.site), Component::StoredPlan);
    metadata.labels.get_or_insert_default().insert(LABEL_SITE.to_owned(), site_slug(&plan.site));
    let summary = summary(&plan).chars().take(MAX_SUMMARY).collect();
    metadata.annotations = Some(BTreeMap::from([
        (ANNOTATION_SITE.to_owned(), plan.site),
        (ANNOTATION_PLAN_HASH.to_owned(), plan.hash),
        (ANNOTATION_PLAN_VERDICT.to_owned(), plan.verdict.name().to_owned()),
        (ANNOTATION_PLAN_SUMMARY.to_owned(), summary),
    ]));
    Ok(ConfigMap {
        metadata,
        binary_data: Some(BTreeMap::from([
            (KEY.to_owned(), ByteString(packed)),
            (ROUTING_KEY.to_owned(), ByteString(packed_routing)),
        ])),
        immutable: Some(true),
        ..ConfigMap::default()
    })
}

/// The site of a stored plan and what its annotations say; `None` for a `ConfigMap` that is not a whole plan.
pub fn read(config_map: &ConfigMap) -> Option<(String, PlanSeen)> {
    let annotations = config_map.metadata.annotations.as_ref()?;
    config_map.binary_data.as_ref()?.get(KEY)?;
    let verdict = annotations.get(ANNOTATION_PLAN_VERDICT)?;
    let plan = PlanSeen {
        hash: annotations.get(ANNOTATION_PLAN_HASH)?.clone(),
        verdict: Verdict::from_name(verdict)?,
        summary: annotations.get(ANNOTATION_PLAN_SUMMARY)?.clone(),
    };
    Some((annotations.get(ANNOTATION_SITE)?.clone(), plan))
}

/// The whole plan of a `ConfigMap`.
pub fn plan(config_map: &ConfigMap) -> Result<Plan, PlanStoreError> {
    let packed = config_map.binary_data.as_ref().and_then(|data| data.get(KEY));
    let packed = packed.map(|bytes| bytes.0.as_slice()).unwrap_or_default();
    let mut json = Vec::new();
    flate2::read::GzDecoder::new(packed).take(MAX_BYTES).read_to_end(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}

/// The plan's summary, and what blocks it in a developer's words: a status line must say what to do.
fn summary(plan: &Plan) -> String {
    let blocking = plan.changes.iter().filter(|change| change.verdict == Verdict::Blocking);
    blocking.fold(plan.summary.clone(), |text, change| {
        let field = change.field.as_ref().map(|field| format!(".{field}")).unwrap_or_default();
        format!("{text}; {} {}{field}: {}", change.kind, change.doctype, change.why)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::manifest::sample;

    fn framed(what: &str, document: &impl serde::Serialize) -> String {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packer.write_all(&serde_json::to_vec(document).unwrap()).unwrap();
        let text = STANDARD.encode(packer.finish().unwrap());
        let (head, tail) = text.split_at(text.len() / 2);
        format!("-----BEGIN CROSSFADE {what}-----\n{head}\n{tail}\n-----END CROSSFADE {what}-----\n")
    }

    fn log(plan: &Plan) -> String {
        let routing = Routing { blue_assets: vec!["a.js".into()], ..Routing::default() };
        let frames = [framed("PLAN", plan), framed("ROUTING", &routing)].concat();
        format!("{{\"step\":\"read\"}}\n{frames}{{\"result\":\"done\"}}\n")
    }

    #[test]
    fn a_plan_survives_the_log_and_the_config_map() {
        let plan = sample::plan("erp.example.com");
        let packed = from_log(&log(&plan), "erp.example.com").unwrap();
        assert_eq!(packed.plan, plan);
        let release = sample::release();
        let stored = config_map(&sample::blueprint(&release, &release.spec.template(), 2), packed).unwrap();
        assert_eq!(super::plan(&stored).unwrap(), plan);
        let (site, seen) = read(&stored).unwrap();
        assert_eq!(routing(&stored).unwrap().blue_assets, ["a.js"]);
        assert_eq!((site.as_str(), seen.hash, seen.verdict), ("erp.example.com", plan.hash, plan.verdict));
    }

    #[test]
    fn a_plan_that_was_changed_on_its_way_is_not_stored() {
        let mut plan = sample::plan("erp.example.com");
        plan.summary.push_str(" and more");
        assert!(matches!(from_log(&log(&plan), "erp.example.com"), Err(PlanStoreError::Unsealed(_))));
    }

    #[test]
    fn a_plan_for_another_site_and_half_a_log_are_refused() {
        let whole = log(&sample::plan("erp.example.com"));
        assert!(matches!(from_log(&whole, "other.example.com"), Err(PlanStoreError::WrongSite { .. })));
        assert!(matches!(
            from_log(&whole[..whole.len() / 2], "erp.example.com"),
            Err(PlanStoreError::NoFrame)
        ));
    }
}
