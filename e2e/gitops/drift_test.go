package gitops

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/diff"
	openapi_v2 "github.com/google/gnostic-models/openapiv2"
	"k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/managedfields/managedfieldstest"
	openapi "k8s.io/kube-openapi/pkg/util/proto"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

const (
	// The field manager of Argo CD's server-side apply.
	argocd      = "argocd-controller"
	lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
)

// The states of releases whose spec is the one in Git.
var fromGit = []string{
	"planning", "isolating", "expanding", "migrating", "starting_green", "shifting", "draining", "contracting", "complete",
	"window", "aborted", "rolling_back", "rolled_back", "job_failed", "plan_blocking", "drain_deadline",
}

// types are the resource's as the API server publishes them, for its field management and for Argo CD's parser.
func types(t *testing.T) (managedfields.TypeConverter, *managedfields.GvkParser) {
	t.Helper()
	crd := definition(t)
	published, err := builder.BuildOpenAPIV2(crd, crd.Spec.Versions[0].Name, builder.Options{V2: true})
	if err != nil {
		t.Fatal(err)
	}
	schemas := map[string]*spec.Schema{}
	for name, schema := range published.Definitions {
		schemas[name] = &schema
	}
	converter, err := managedfields.NewTypeConverter(schemas, false)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(published)
	if err != nil {
		t.Fatal(err)
	}
	document, err := openapi_v2.ParseDocument(raw)
	if err != nil {
		t.Fatal(err)
	}
	models, err := openapi.NewOpenAPIData(document)
	if err != nil {
		t.Fatal(err)
	}
	parser, err := managedfields.NewGVKParser(models, false)
	if err != nil {
		t.Fatal(err)
	}
	return converter, parser
}

// server is the field management of an API server that keeps one release.
type server struct {
	fields managedfieldstest.TestFieldManager
}

// Run is a server-side apply of which only the answer is wanted; the server of a test is asked once.
func (s *server) Run(_ context.Context, object *unstructured.Unstructured, manager string) (string, error) {
	if err := s.fields.Apply(object, manager, true); err != nil {
		return "", err
	}
	answer, err := json.Marshal(s.fields.Live())
	return string(answer), err
}

// keeps is a server to which Argo CD has applied the manifest and others have written all else that is in the release.
func keeps(t *testing.T, converter managedfields.TypeConverter, manifest, release *unstructured.Unstructured) *server {
	t.Helper()
	fields := managedfieldstest.NewTestFieldManager(converter, manifest.GroupVersionKind())
	if err := fields.Apply(manifest.DeepCopy(), argocd, false); err != nil {
		t.Fatal(err)
	}
	written := release.DeepCopy()
	written.SetManagedFields(fields.ManagedFields())
	if err := fields.Update(written, "crossfade"); err != nil {
		t.Fatal(err)
	}
	return &server{fields}
}

// drifts are Argo CD's three ways to compare, and whether each sees a difference.
func drifts(t *testing.T, manifest, release *unstructured.Unstructured) map[string]bool {
	t.Helper()
	converter, parser := types(t)
	server := keeps(t, converter, manifest, release)
	live := server.fields.Live().(*unstructured.Unstructured).DeepCopy()

	byKubectl := release.DeepCopy()
	applied, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	annotations := byKubectl.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[lastApplied] = string(applied)
	byKubectl.SetAnnotations(annotations)

	seen := map[string]bool{}
	for way, compare := range map[string]func() (*diff.DiffResult, error){
		"after kubectl apply": func() (*diff.DiffResult, error) { return diff.Diff(manifest, byKubectl) },
		"with ServerSideApply=true": func() (*diff.DiffResult, error) {
			return diff.Diff(manifest, live, diff.WithStructuredMergeDiff(true), diff.WithGVKParser(parser), diff.WithManager(argocd))
		},
		"with ServerSideDiff=true": func() (*diff.DiffResult, error) {
			return diff.Diff(manifest, live, diff.WithServerSideDiff(true), diff.WithServerSideDryRunner(server),
				diff.WithGVKParser(parser), diff.WithManager(argocd))
		},
	} {
		result, err := compare()
		if err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		seen[way] = result.Modified
	}
	return seen
}

func TestWhatTheOperatorWritesIsNoDrift(t *testing.T) {
	states := fixtures(t)
	manifest := read(t, "testdata/erp.yaml")
	for _, name := range fromGit {
		release := states[name].DeepCopy()
		// What people say stays as well.
		annotations := release.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations["crossfade.dev/approve-plan"] = "h1"
		release.SetAnnotations(annotations)
		for way, isModified := range drifts(t, manifest, release) {
			if isModified {
				t.Errorf("%s differs from Git %s", name, way)
			}
		}
	}
}

// A pause of a manifest that does not name spec.paused stays; a change of what Git says does not.
func TestWhatOthersChangeIsDriftOnlyWhereGitSaysSomething(t *testing.T) {
	manifest := read(t, "testdata/erp.yaml")
	for way, isModified := range drifts(t, manifest, fixtures(t)["paused"]) {
		if isModified {
			t.Errorf("a pause differs from Git %s", way)
		}
	}
	other := fixtures(t)["complete"]
	if err := unstructured.SetNestedField(other.Object, "registry.example.com/erp:v15.43.0", "spec", "image"); err != nil {
		t.Fatal(err)
	}
	for way, isModified := range drifts(t, manifest, other) {
		if !isModified {
			t.Errorf("another image is no difference %s", way)
		}
	}
}
