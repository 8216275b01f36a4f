# make help lists the targets. On a fresh Debian 12 machine with rustup, Go and Python: make demo, or make test.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
# One after the other, but for those that "servers" starts: they say which one a line is of.
ifndef BESIDE
.NOTPARALLEL:
endif
.PHONY: help setup demo test fmt fmt-check lint doc unit web web-test chromium browser gitops argocd sample-bench servers others mariadb mariadb-trixie fuzz versions kills load e2e dashboard-picture releases faults bed-up bed-down images crds plan-schema manifests reference book deny workflows dist reproducible bench bench-report bench-plan bench-engine clean

export CROSSFADE_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/crossfade
export CROSSFADE_BED ?= $(or $(TMPDIR),/tmp)/crossfade-bed
# Reference data of real Frappe; the tests that read it say that they are skipped where there is none.
ifneq ($(wildcard ../shared),)
export CROSSFADE_SHARED ?= $(abspath ../shared)
endif

CRD := frappereleases.crossfade.dev.yaml

# $(call timed,NAME,COMMAND): the command's name before, its duration after.
timed = @start=$$SECONDS; echo "==> $(1)"; rc=0; { $(2); } $(if $(BESIDE),2>&1 | sed -u 's/^/$(1): /') || rc=$$?; echo "<== $(1): $$((SECONDS - start)) s$$([ $$rc = 0 ] || echo ", FAILED")"; exit $$rc

# $(call need,PROGRAM,PACKAGES): a program that few targets use, from Debian if it is missing (as root).
need = @command -v $(1) > /dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(2) > /dev/null; }

help: ## Show this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 12

setup: ## Install what is missing by apt (as root), and Locust in an environment of its own
	$(call timed,setup,e2e/bed/setup.sh > /dev/null)

# The last line of its output is the summary, whatever is said while the cluster is taken down.
demo: setup ## The usual way and Crossfade side by side on a real cluster; KEEP=1 leaves it up
	@rm -f target/demo/summary.json; start=$$SECONDS; rc=0; echo "==> demo"; e2e/bed/with.sh cargo run --example demo || rc=$$?; \
	echo "<== demo: $$((SECONDS - start)) s"; [ ! -e target/demo/summary.json ] || cat target/demo/summary.json; exit $$rc

test: setup fmt-check lint doc unit servers ## All tests; CI also runs workflows, deny, book and reproducible
	@echo "all tests passed"

fmt: ## Format the code
	$(call timed,fmt,cargo fmt)

fmt-check: ## Fail when the code is not formatted
	$(call timed,fmt-check,cargo fmt --check)

lint: ## Clippy over all targets, warnings are errors
	$(call timed,lint,cargo clippy --all-targets -- -D warnings)

doc: ## Build the documentation, warnings are errors
	$(call timed,doc,RUSTDOCFLAGS="-D warnings" cargo doc --no-deps)

unit: ## Tests that need no server
	$(call timed,unit,cargo test)

# The lock file names every package; nothing that one brings is run at its installation.
web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	$(call need,npm,nodejs npm)
	$(call timed,npm ci,cd web && npm ci --ignore-scripts --no-audit --no-fund)
	@touch $@

# Made from the OpenAPI document by each check: newer than the page, and no reason to build it again.
PAGE := $(filter-out web/src/api/schema.d.ts,$(shell find web/src web/public -type f)) $(filter-out web/bundled.json,$(wildcard web/*.json web/*.js web/*.ts web/*.html))
# The page, and the list of what it holds of other packages, whose licences deny.toml must allow.
web/dist/index.html web/bundled.json &: web/node_modules/.package-lock.json $(PAGE) deny.toml
	$(call timed,web,cd web && npm run --silent build)

web: web/dist/index.html web/bundled.json ## Build the page of the DocType Editor and the dashboard, which the program embeds, in web/dist

web-test: web/node_modules/.package-lock.json ## Tests of the page's model
	$(call timed,web-test,cd web && npm run --silent check && npm test --silent)

chromium:
	$(call need,chromium,chromium)

browser: web chromium ## The DocType Editor and the dashboard in a real Chromium: every edit, conflicts, hostile names, sizes, a real API server, axe
	$(call timed,browser,cargo build && cd web && CROSSFADE=$${CARGO_TARGET_DIR:-$(CURDIR)/target}/x86_64-unknown-linux-gnu/debug/crossfade npm run --silent browser)

# Never from Go's cache: it does not look at files outside of the module, as all of argocd/ is.
gitops: ## What Argo CD and kstatus say of a release in every state, and Grafana's schema of the dashboard, by their own Go modules
	$(call timed,gitops,cd e2e/gitops && go test -count=1 ./...)

sample-bench: ## Tests of the sample bench, with a MariaDB and a Redis that they start themselves
	$(call timed,sample-bench,cd e2e/sample-bench/tests && PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m unittest -q)

# All of them wait far more than they work: beside each other they take as long as the longer one. The cluster goes first:
# its Pods share what the others leave them.
servers: web chromium ## e2e, and beside it mariadb, sample-bench, gitops, web-test, browser
	@$(MAKE) --no-print-directory --jobs=2 --keep-going BESIDE=1 others e2e

# One that fails does not keep the result of the next ones.
others:
	@rc=0; for each in mariadb sample-bench gitops web-test browser; do nice $(MAKE) --no-print-directory BESIDE=1 $$each 2>&1 || rc=$$?; done; exit $$rc

mariadb: ## Tests against a real MariaDB and Redis, which they start themselves
	$(call timed,mariadb,CROSSFADE_PYTHON=/usr/bin/python3 cargo test --test mariadb -- --include-ignored)

TESTS ?=
mariadb-trixie: ## The tests of mariadb on the MariaDB of Debian 13, whose root is kept in the cache (TESTS= those of these names)
	$(call need,mmdebstrap,mmdebstrap)
	$(call timed,mariadb-trixie,root=$$(tests/mariadb/root.sh trixie) && CROSSFADE_MARIADB_ROOT=$$root CROSSFADE_PYTHON=/usr/bin/python3 cargo test --test mariadb -- --include-ignored $(TESTS))

FUZZ ?= app_file snapshot archive plans patch
FUZZ_SECONDS ?= 300
fuzz: ## Fuzz what reads hostile input, with the nightly toolchain (FUZZ= targets, FUZZ_SECONDS= for each)
	$(call timed,fuzz,fuzz/run.sh $(FUZZ_SECONDS) $(FUZZ))

versions: ## Every version of the sample app on the real site, to contract and back, both colours at work
	$(call timed,versions,CROSSFADE_LONG=1 cargo test --test mariadb -- --include-ignored --nocapture --test-threads=1 frappe_site::versions)

# Hours on a small machine: each command is killed at each of its statements, mariadbd 50 times.
kills: ## The long form of the kill tests: SIGKILL at every statement, mariadbd killed at random
	$(call timed,kills,CROSSFADE_LONG=1 cargo test --test mariadb -- --include-ignored --nocapture --test-threads=1 boundaries:: kills::)

load: ## A release and a rollback of every kind of change under 100 users on 1,000,000 rows
	$(call timed,load,CROSSFADE_LONG=1 cargo test --test mariadb -- --include-ignored --nocapture --test-threads=1 load::)

# What `faults` runs in its long form is tried in a shorter one by the scenarios abort and deletion, and in the small world of src/release.
e2e: web chromium ## End-to-end tests on a real cluster; KEEP=1 leaves it up
	$(call timed,e2e,CROSSFADE_NEED_HELM=1 e2e/bed/with.sh cargo test --test chart --test e2e -- --include-ignored --test-threads=2 --skip abort_in_every_phase:: --skip newer:: --skip argocd::)

dashboard-picture: ## Draw what the dashboard's queries give during a release on the real cluster, in docs/images
	$(call timed,dashboard-picture,e2e/bed/with.sh cargo test --test e2e -- --include-ignored --nocapture observing:: && cp target/dashboard.svg docs/images/grafana.svg)

RELEASES ?= 20
releases: ## So many releases in a row on the real cluster, forth and back, under load (RELEASES=)
	$(call timed,releases,RELEASES=$(RELEASES) e2e/bed/with.sh cargo test --test e2e -- --include-ignored --nocapture releases_in_a_row)

# Argo CD itself is compiled once and then kept in the cache.
argocd: ## Releases taken from Git, and back, by Argo CD's own controller, on the real cluster
	$(call need,git,git)
	$(call timed,argocd,e2e/gitops/program.sh > /dev/null && e2e/bed/with.sh cargo test --test e2e -- --include-ignored --nocapture argocd::)

faults: ## The kubelet and each server killed, and a release aborted in every phase, and its manifest changed on the way, on the real cluster
	$(call timed,faults,CROSSFADE_LONG=1 e2e/bed/with.sh cargo test --test e2e -- --include-ignored --nocapture --test-threads=1 kills:: servers:: abort_in_every_phase:: newer::)

bed-up: ## Bring the cluster up, with the operator's image in it
	$(call timed,bed-up,e2e/bed/up.sh && e2e/bed/operator.sh)

bed-down: ## Take the cluster down and remove what it left
	$(call timed,bed-down,e2e/bed/down.sh)

images: ## Build the bed's images that are not cached
	$(call timed,images,e2e/images/images.sh)

crds: ## Generate crds/, and its copies in the chart crossfade-crds and deploy/, from the code
	$(call timed,crds,cargo run --quiet -- crds > crds/$(CRD).tmp && mv crds/$(CRD).tmp crds/$(CRD) && cp crds/$(CRD) charts/crossfade-crds/templates/$(CRD) && cp crds/$(CRD) deploy/base/$(CRD))

plan-schema: ## Generate docs/reference/plan.schema.json from the code
	$(call timed,plan-schema,cargo run --quiet -- plan-schema > docs/reference/plan.schema.json.tmp && mv docs/reference/plan.schema.json.tmp docs/reference/plan.schema.json)

manifests: ## Generate deploy/base/operator.yaml from the chart
	$(call timed,manifests,packaging/manifests.sh > deploy/base/operator.yaml.tmp && mv deploy/base/operator.yaml.tmp deploy/base/operator.yaml)

reference: ## Generate the pages of docs/ that are made from the code
	$(call timed,reference,UPDATE_GOLDENFILES=1 cargo test --quiet --test docs reference)

book: ## Build docs/ as a site, in target/book
	$(call timed,book,PATH=$$(packaging/tool.sh mdbook mdbook-mermaid):$$PATH && mdbook-mermaid install docs && mdbook build docs)

# Loads the advisory database from the network: not part of test.
deny: ## Licences, advisories, duplicates and sources of every crate, as deny.toml allows them
	$(call timed,deny,PATH=$$(packaging/tool.sh cargo-deny):$$PATH && cargo deny --all-features check)

workflows: ## Lint the workflows
	$(call timed,workflows,PATH=$$(packaging/tool.sh actionlint):$$PATH && actionlint)

dist: ## Build what is released: binary, image, bill of materials, checksums, in target/dist
	$(call timed,dist,packaging/build.sh target/dist)

# Two release builds: an hour on a small machine.
reproducible: ## Build the commit twice, in places that differ, and compare every byte
	$(call timed,reproducible,packaging/reproducible.sh)

# Hours: a run takes three to twenty minutes, and there are 108. One that is done is not made again.
bench: setup ## Twelve changes of a schema, each released by three ways under load; then the report (SCENARIOS=, WAYS=, REPETITIONS=, MINUTES=)
	$(call timed,bench,PROFILE=$${PROFILE:-release} e2e/bed/with.sh cargo run --example bench -- --repetitions $(or $(REPETITIONS),3) $(if $(SCENARIOS),--scenarios $(SCENARIOS)) $(if $(WAYS),--ways $(WAYS)) $(if $(MINUTES),--minutes $(MINUTES)))

bench-report: ## Write docs/scenarios.md and its pictures from the runs of bench that are there
	$(call timed,bench-report,cargo run --example bench -- --report)

BENCH := $(CROSSFADE_SHARED)/releases/fixtures/erpnext
PAIR := $(BENCH)/v15.62.0.tar.gz $(BENCH)/v16.0.0-dev.tar.gz
bench-plan: ## A plan of two large releases beside only reading them: time, memory, growth
	$(call timed,bench-plan,cargo run --release --example bench_plan_memory -- $(PAIR) && cargo run --release --example bench_plan -- $(PAIR))

ROWS ?= 1000000
bench-engine: setup ## Renames and type changes on a table in use, beside plain UPDATE, pt-osc, gh-ost (ROWS=, REPETITIONS=)
	$(call need,pt-online-schema-change,percona-toolkit)
	$(call timed,bench-engine,cargo run --release --example bench_engine -- --rows $(ROWS) --repetitions $(or $(REPETITIONS),3))

clean: bed-down ## Remove the build and the cluster; the cache ($CROSSFADE_CACHE) stays
	$(call timed,clean,cargo clean)
