// Package gitops holds a FrappeRelease against what judges it from outside: Argo CD's scripts, its diff engine, kstatus.
//
// The fixtures are written by the operator's own tests (src/release/fixtures.rs), one for every state.
package gitops

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Where Argo CD would have the customization below resource_customizations/.
const customization = "../../argocd/crossfade.dev/FrappeRelease"

func read(t *testing.T, path string) *unstructured.Unstructured {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// By way of JSON as a client reads it: whole numbers stay whole.
	raw, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(raw); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return object
}

// fixtures are all states by their names.
func fixtures(t *testing.T) map[string]*unstructured.Unstructured {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(customization, "testdata", "*.yaml"))
	if err != nil || len(paths) < 25 {
		t.Fatalf("%d fixtures, %v", len(paths), err)
	}
	states := map[string]*unstructured.Unstructured{}
	for _, path := range paths {
		states[strings.TrimSuffix(filepath.Base(path), ".yaml")] = read(t, path)
	}
	return states
}

// changed is a release right after its spec was changed: the operator has not seen that yet.
func changed(release *unstructured.Unstructured) *unstructured.Unstructured {
	later := release.DeepCopy()
	later.SetGeneration(release.GetGeneration() + 1)
	return later
}
