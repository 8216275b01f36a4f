//! Leader election: of several replicas one acts, the one that holds a `coordination.k8s.io` Lease.
//!
//! Written here: it is a hundred lines, and what it must never do (let two replicas move one release) is better read
//! than trusted. The rules are those of client-go's `leaderelection`: a lease of another counts as expired when it
//! was not seen to change for its whole duration by the clock of this process, so clocks may differ between nodes;
//! every write names the version it read, so of two writers one fails.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client};
use rand::Rng;
use rand::distr::Alphanumeric;

/// A lease that is not renewed for so long may be taken by another.
const DURATION: Duration = Duration::from_secs(15);
/// A holder that could not renew for so long stops acting: well before another may take over.
const GIVE_UP: Duration = Duration::from_secs(10);
/// Time between two tries.
const PERIOD: Duration = Duration::from_secs(2);
/// Longest time that one call to the API server may take.
const CALL: Duration = Duration::from_secs(5);

/// A contender for the lease.
pub(super) struct Contender {
    api: Api<Lease>,
    name: String,
    identity: String,
    /// The lease of another as it was seen last, and since when it has not changed.
    other: Option<(LeaseSpec, Instant)>,
}

impl Contender {
    /// A contender for the lease of this name in the client's own namespace.
    pub(super) fn new(client: Client, name: &str) -> Self {
        let suffix: String = rand::rng().sample_iter(Alphanumeric).take(8).map(char::from).collect();
        let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "crossfade".to_owned());
        Self {
            api: Api::default_namespaced(client),
            name: name.to_owned(),
            identity: format!("{host}_{suffix}"),
            other: None,
        }
    }

    /// Waits until this replica holds the lease.
    pub(super) async fn acquire(&mut self) {
        loop {
            match self.attempt().await {
                Ok(true) => {
                    tracing::info!(lease = self.name, identity = self.identity, "holding the lease");
                    return;
                }
                Ok(false) => tracing::debug!(lease = self.name, "another replica holds the lease"),
                Err(error) => tracing::warn!(lease = self.name, error, "failed to ask for the lease"),
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    /// Keeps the lease; returns when it is lost.
    pub(super) async fn keep(&mut self) {
        let mut renewed = Instant::now();
        while renewed.elapsed() < GIVE_UP {
            tokio::time::sleep(PERIOD).await;
            match self.attempt().await {
                Ok(true) => renewed = Instant::now(),
                Ok(false) => return,
                Err(error) => tracing::warn!(lease = self.name, error, "failed to renew the lease"),
            }
        }
    }

    /// Gives the lease up, so that the next replica need not wait for it to expire.
    pub(super) async fn release(&mut self) {
        let given_up = tokio::time::timeout(CALL, async {
            let Some(mut lease) = self.api.get_opt(&self.name).await? else { return Ok(()) };
            let spec = lease.spec.get_or_insert_default();
            if spec.holder_identity.as_deref() == Some(&self.identity) {
                spec.holder_identity = None;
                self.api.replace(&self.name, &PostParams::default(), &lease).await?;
            }
            Ok::<(), kube::Error>(())
        });
        match given_up.await {
            Ok(Ok(())) => tracing::info!(lease = self.name, "gave the lease up"),
            Ok(Err(error)) => tracing::warn!(lease = self.name, %error, "failed to give the lease up"),
            Err(_) => tracing::warn!(lease = self.name, "failed to give the lease up in time"),
        }
    }

    /// Takes or renews the lease; `false` if another holds it.
    async fn attempt(&mut self) -> Result<bool, String> {
        match tokio::time::timeout(CALL, self.write()).await {
            Ok(Ok(is_held)) => Ok(is_held),
            // Somebody else was faster.
            Ok(Err(kube::Error::Api(status))) if status.code == 409 => Ok(false),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the API server did not answer in time".to_owned()),
        }
    }

    async fn write(&mut self) -> Result<bool, kube::Error> {
        let Some(mut lease) = self.api.get_opt(&self.name).await? else {
            let lease = Lease {
                metadata: ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() },
                spec: Some(self.held(&LeaseSpec::default())),
            };
            self.api.create(&PostParams::default(), &lease).await?;
            return Ok(true);
        };
        let spec = lease.spec.clone().unwrap_or_default();
        if !self.may_take(&spec, Instant::now()) {
            return Ok(false);
        }
        lease.spec = Some(self.held(&spec));
        self.api.replace(&self.name, &PostParams::default(), &lease).await?;
        Ok(true)
    }

    /// Whether the lease is ours, nobody's, or of somebody who was not heard of for its whole duration.
    fn may_take(&mut self, spec: &LeaseSpec, now: Instant) -> bool {
        let holder = spec.holder_identity.as_deref().unwrap_or_default();
        if holder.is_empty() || holder == self.identity {
            return true;
        }
        match &self.other {
            Some((known, since)) if known == spec => {
                let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
                now.duration_since(*since) >= seconds.map_or(DURATION, Duration::from_secs)
            }
            Some(_) | None => {
                self.other = Some((spec.clone(), now));
                false
            }
        }
    }

    fn held(&self, before: &LeaseSpec) -> LeaseSpec {
        let now = MicroTime(Timestamp::now());
        let is_ours = before.holder_identity.as_deref() == Some(&self.identity);
        let transitions = before.lease_transitions.unwrap_or(0);
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            acquire_time: if is_ours { before.acquire_time.clone() } else { Some(now.clone()) },
            renew_time: Some(now),
            lease_transitions: Some(if is_ours { transitions } else { transitions.saturating_add(1) }),
            ..before.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contender() -> Contender {
        let uri: hyper::Uri = "http://127.0.0.1:1".parse().unwrap();
        let client = Client::try_from(kube::Config::new(uri)).unwrap();
        Contender::new(client, "crossfade")
    }

    fn held_by(identity: &str, renewed: i64) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(identity.to_owned()),
            lease_duration_seconds: Some(15),
            renew_time: Some(MicroTime(Timestamp::from_second(renewed).unwrap())),
            ..LeaseSpec::default()
        }
    }

    #[tokio::test]
    async fn a_lease_of_another_is_taken_only_when_it_stood_still_for_its_duration() {
        let (mut me, start) = (contender(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(!me.may_take(&held_by("other", 1), at(0)));
        assert!(!me.may_take(&held_by("other", 1), at(14)));
        assert!(!me.may_take(&held_by("other", 2), at(15)), "it was renewed");
        assert!(!me.may_take(&held_by("other", 2), at(29)));
        assert!(me.may_take(&held_by("other", 2), at(30)));
    }

    #[tokio::test]
    async fn a_lease_that_is_free_or_ours_is_taken_at_once() {
        let mut me = contender();
        assert!(me.may_take(&LeaseSpec::default(), Instant::now()));
        let mine = me.held(&LeaseSpec::default());
        assert!(me.may_take(&mine, Instant::now()));
        assert_eq!((mine.lease_transitions, me.held(&mine).lease_transitions), (Some(1), Some(1)));
    }
}
