//! A release as a user would write it, read by the real types: what the snapshots are made from.

use jiff::Timestamp;

use super::Blueprint;
use crate::api::{FrappeRelease, Phase, Template};
use crate::plan::{Plan, Verdict};
use crate::release::{Record, RecordState};

const RELEASE: &str = r"
apiVersion: crossfade.dev/v1alpha1
kind: FrappeRelease
metadata:
  name: erp
  namespace: shop
  uid: 5f9c1f5e-0000-4000-8000-000000000001
  generation: 4
spec:
  image: registry.example.com/erp:v2
  imagePullSecrets: [{name: registry}]
  sites:
    - name: erp.example.com
      configSecret: {name: erp-site, key: site_config.json}
    - name: second.example.com
      configSecret: {name: second-site, key: site_config.json}
      hostnames: [second.example.com, www.second.example.com]
  bench:
    commonConfigSecret: {name: erp-common, key: common_site_config.json}
    sitesClaim: erp-sites
    env: [{name: TZ, value: UTC}]
  database:
    adminSecret: {name: mariadb-admin}
  web:
    replicas: 2
  socketio: {}
  workers:
    - name: short
      queues: [short, default]
    - name: long
      queues: [long]
  scheduler: {}
  planning:
    acceptPatches: ['erp.patches.v2.rename_it #1']
    renames: [{doctype: Sales Order, old: title, new: subject}, {old: Shop Tag, new: Shop Label}]
  traffic:
    gateways: [{name: public, namespace: gateways, sectionName: https}]
";

pub(crate) fn release() -> FrappeRelease {
    serde_yaml::from_str(RELEASE).expect("the sample release is valid")
}

pub(crate) fn blueprint<'a>(
    release: &'a FrappeRelease,
    template: &'a Template,
    revision: u32,
) -> Blueprint<'a> {
    Blueprint { release, revision, template, operator_image: "registry.example.com/crossfade:1" }
}

pub(crate) fn record(release: &FrappeRelease) -> Record {
    Record {
        template: release.spec.template(),
        blue: Some(1),
        state: RecordState::Releasing,
        entered: [(Phase::Planning, Timestamp::UNIX_EPOCH)].into(),
        traffic: std::collections::BTreeMap::default(),
        attempt: String::new(),
        by: None,
        cause: None,
        cache_slot: 1,
    }
}

pub(crate) fn plan(site: &str) -> Plan {
    let plan = Plan {
        format: Plan::FORMAT,
        site: site.to_owned(),
        apps: Vec::new(),
        verdict: Verdict::Additive,
        summary: "2 fields are added".to_owned(),
        changes: Vec::new(),
        questions: Vec::new(),
        remaining: Vec::new(),
        frozen: Vec::new(),
        singles: Vec::new(),
        expand: Vec::new(),
        contract: Vec::new(),
        in_step: Vec::new(),
        patches: Vec::new(),
        hooks: Vec::new(),
        basis: crate::plan::Basis::default(),
        hash: String::new(),
    };
    plan.seal().expect("a plan can be written as JSON")
}
