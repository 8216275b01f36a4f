package gitops

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/argo/diff"
	"github.com/argoproj/argo-cd/v3/util/argo/normalizers"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// ignored is what docs/how-to/gitops.md tells Argo CD to ignore in the Deployments of a bench that is handed over.
func ignored(t *testing.T) []v1alpha1.ResourceIgnoreDifferences {
	t.Helper()
	page, err := os.ReadFile("../../docs/how-to/gitops.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(page, -1) {
		application := v1alpha1.Application{}
		if err := yaml.Unmarshal(block[1], &application); err != nil {
			t.Fatal(err)
		}
		if found := application.Spec.IgnoreDifferences; len(found) == 1 && found[0].Kind == "Deployment" {
			return found
		}
	}
	t.Fatal("docs/how-to/gitops.md does not say what to ignore in a Deployment")
	return nil
}

// deployment has so many replicas, and these annotations.
func deployment(replicas int64, annotations map[string]string) *unstructured.Unstructured {
	labels := map[string]any{"app": "erp"}
	container := map[string]any{"name": "web", "image": "registry.example.com/erp:v15.41.0"}
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1",
		"kind":       "Deployment",
		"metadata":   map[string]any{"name": "erp-gunicorn", "namespace": "shop"},
		"spec": map[string]any{
			"replicas": replicas,
			"selector": map[string]any{"matchLabels": labels},
			"template": map[string]any{
				"metadata": map[string]any{"labels": labels},
				"spec":     map[string]any{"containers": []any{container}},
			},
		},
	}}
	object.SetAnnotations(annotations)
	return object
}

// What src/controller/adopted.rs writes into a Deployment that it stops is the one difference from Git.
func TestAHandOverIsDriftUnlessReplicasAreIgnored(t *testing.T) {
	manifest := deployment(2, nil)
	applied, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	stopped := deployment(0, map[string]string{"crossfade.dev/replicas": "2", lastApplied: string(applied)})
	otherImage := deployment(2, map[string]string{lastApplied: string(applied)})
	containers := []any{map[string]any{"name": "web", "image": "registry.example.com/erp:v15.42.0"}}
	if err := unstructured.SetNestedSlice(otherImage.Object, containers, "spec", "template", "spec", "containers"); err != nil {
		t.Fatal(err)
	}

	isModified := func(live *unstructured.Unstructured, ignores []v1alpha1.ResourceIgnoreDifferences) bool {
		config, err := diff.NewDiffConfigBuilder().
			WithDiffSettings(ignores, map[string]v1alpha1.ResourceOverride{}, false, normalizers.IgnoreNormalizerOpts{}).
			WithNoCache().
			Build()
		if err != nil {
			t.Fatal(err)
		}
		result, err := diff.StateDiff(live, manifest, config)
		if err != nil {
			t.Fatal(err)
		}
		return result.Modified
	}
	nothing := []v1alpha1.ResourceIgnoreDifferences{}
	if !isModified(stopped, nothing) {
		t.Error("a stopped Deployment is no drift: the page says that it is")
	}
	if isModified(stopped, ignored(t)) {
		t.Error("a stopped Deployment is drift in spite of what the page says to ignore")
	}
	if !isModified(otherImage, ignored(t)) {
		t.Error("another image is no drift: too much is ignored")
	}
}
