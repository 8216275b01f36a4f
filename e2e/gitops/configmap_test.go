package gitops

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/argo-cd/v3/util/settings"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/yaml"
)

// What users add to Argo CD's configuration.
const configMap = "../../argocd/argocd-cm.yaml"

var actions = []string{"approve", "promote", "pause", "resume", "abort", "retry", "undo"}

const head = `# What Argo CD has to know of a FrappeRelease: how it is, and what can be done to it. Written from the files beside it by
# UPDATE_GOLDENFILES=1 make gitops; docs/how-to/gitops.md says how to install it.
apiVersion: v1
kind: ConfigMap
metadata:
  name: argocd-cm
  namespace: argocd
data:
  resource.customizations.health.crossfade.dev_FrappeRelease: |
%s  resource.customizations.actions.crossfade.dev_FrappeRelease: |
    discovery.lua: |
%s    definitions:
`

// script is a file of the customization, moved to the right.
func script(t *testing.T, file string, by int) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(customization, file))
	if err != nil {
		t.Fatal(err)
	}
	var moved strings.Builder
	for line := range strings.Lines(string(text)) {
		if line != "\n" {
			moved.WriteString(strings.Repeat(" ", by))
		}
		moved.WriteString(line)
	}
	return moved.String()
}

func TestTheConfigMapIsWhatTheFilesSay(t *testing.T) {
	fresh := fmt.Sprintf(head, script(t, "health.lua", 4), script(t, "actions/discovery.lua", 6))
	for _, action := range actions {
		fresh += fmt.Sprintf("    - name: %s\n      action.lua: |\n%s", action, script(t, "actions/"+action+"/action.lua", 8))
	}
	if os.Getenv("UPDATE_GOLDENFILES") != "" {
		if err := os.WriteFile(configMap, []byte(fresh), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, _ := os.ReadFile(configMap); string(kept) != fresh {
		t.Errorf("%s is stale: run UPDATE_GOLDENFILES=1 make gitops", configMap)
	}
	folders, _ := filepath.Glob(filepath.Join(customization, "actions/*/action.lua"))
	if len(folders) != len(actions) {
		t.Errorf("%d actions in files, %d in the ConfigMap", len(folders), len(actions))
	}
}

// vm is Argo CD's Lua with the customization as Argo CD reads it from its own ConfigMap.
func vm(t *testing.T) lua.VM {
	t.Helper()
	text, err := os.ReadFile(configMap)
	if err != nil {
		t.Fatal(err)
	}
	stored := &corev1.ConfigMap{}
	if err := yaml.UnmarshalStrict(text, stored); err != nil {
		t.Fatal(err)
	}
	// The label by which Argo CD finds its configuration: its own manifests set it.
	stored.Labels = map[string]string{"app.kubernetes.io/part-of": "argocd"}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Name: "argocd-secret", Namespace: stored.Namespace, Labels: stored.Labels,
	}}
	manager := settings.NewSettingsManager(t.Context(), fake.NewClientset(stored, secret), stored.Namespace)
	overrides, err := manager.GetResourceOverrides()
	if err != nil {
		t.Fatal(err)
	}
	return lua.VM{ResourceOverrides: overrides}
}
