//! What a measurement is asked for: an analysis with the names of the release filled in.

use crate::api::analysis::Analysis;
use crate::api::names::part_name;

/// The names that `$(...)` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Namespace of the release.
    pub namespace: String,
    /// Name of the release.
    pub release: String,
    /// Number of blue's revision.
    pub blue: u32,
    /// Number of green's revision.
    pub green: u32,
}

/// One measurement to be taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The analysis, its texts filled in.
    pub analysis: Analysis,
    /// How the gateway calls green's backend.
    pub green_cluster: String,
    /// How the gateway calls blue's backend.
    pub blue_cluster: String,
}

impl Names {
    /// A text with all names in it.
    pub fn fill(&self, text: &str) -> String {
        [
            ("$(NAMESPACE)", self.namespace.clone()),
            ("$(RELEASE)", self.release.clone()),
            ("$(BLUE)", self.blue.to_string()),
            ("$(GREEN)", self.green.to_string()),
            ("$(BLUE_SERVICE)", self.service(self.blue)),
            ("$(GREEN_SERVICE)", self.service(self.green)),
        ]
        .iter()
        .fold(text.to_owned(), |text, (sign, name)| text.replace(sign, name))
    }

    fn service(&self, revision: u32) -> String {
        part_name(&self.release, revision, "web")
    }

    /// What is asked to take a measurement of an analysis.
    pub fn question(&self, analysis: &Analysis) -> Question {
        let mut analysis = analysis.clone();
        let fill = |text: &mut String| *text = self.fill(text);
        if let Some(prometheus) = &mut analysis.prometheus {
            fill(&mut prometheus.query);
            fill(&mut prometheus.address);
        }
        if let Some(http) = &mut analysis.http {
            fill(&mut http.url);
        }
        if let Some(job) = &mut analysis.job {
            job.program.command.iter_mut().chain(&mut job.program.args).for_each(fill);
            job.image.iter_mut().for_each(fill);
            job.env.iter_mut().filter_map(|variable| variable.value.as_mut()).for_each(fill);
        }
        let cluster = |revision: u32| {
            let pattern =
                analysis.gateway.as_ref().map(|gateway| gateway.cluster.as_str()).unwrap_or_default();
            self.fill(&pattern.replace("$(SERVICE)", &self.service(revision)))
        };
        Question { green_cluster: cluster(self.green), blue_cluster: cluster(self.blue), analysis }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_of_a_provider_knows_the_colours() {
        let names = Names { namespace: "shop".into(), release: "erp".into(), blue: 7, green: 8 };
        let analysis: Analysis = serde_yaml::from_str(
            "{name: a, prometheus: {address: 'http://p', query: 'up{a=\"$(GREEN_SERVICE)\",b=\"$(NAMESPACE)\"}'},
              job: {args: [--old=$(BLUE), --new=$(GREEN)], env: [{name: OLD, value: $(BLUE_SERVICE)}]},
              gateway: {address: 'http://x'}}",
        )
        .unwrap();
        let question = names.question(&analysis);
        assert_eq!(question.analysis.prometheus.unwrap().query, "up{a=\"erp-r8-web\",b=\"shop\"}");
        let job = question.analysis.job.unwrap();
        assert_eq!(
            (job.program.args.join(" ").as_str(), job.env[0].value.as_deref()),
            ("--old=7 --new=8", Some("erp-r7-web"))
        );
        assert_eq!(
            (question.blue_cluster.as_str(), question.green_cluster.as_str()),
            ("shop_erp-r7-web_80", "shop_erp-r8-web_80")
        );
    }
}
