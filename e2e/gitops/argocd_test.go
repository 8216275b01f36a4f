package gitops

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/health"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const retryAnnotation = "crossfade.dev/retry"

// The two files of Argo CD's layout that say what is expected.
type healthTests struct {
	Tests []struct {
		InputPath    string
		HealthStatus health.HealthStatus
	}
}

type actionTests struct {
	DiscoveryTests []struct {
		InputPath string
		Result    []v1alpha1.ResourceAction
	}
	ActionTests []struct {
		Action             string
		InputPath          string
		ExpectedOutputPath string
	}
}

func expected(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(customization, file))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func state(path string) string {
	return strings.TrimSuffix(filepath.Base(path), ".yaml")
}

func healthOf(t *testing.T, vm lua.VM, release *unstructured.Unstructured) health.HealthStatus {
	t.Helper()
	script, useOpenLibs, err := vm.GetHealthScript(release)
	if err != nil {
		t.Fatal(err)
	}
	vm.UseOpenLibs = useOpenLibs
	judged, err := vm.ExecuteHealthLua(release, script)
	if err != nil {
		t.Fatal(err)
	}
	return *judged
}

func TestHealthOfEveryState(t *testing.T) {
	vm, states := vm(t), fixtures(t)
	var wanted healthTests
	expected(t, "health_test.yaml", &wanted)
	for _, test := range wanted.Tests {
		name := state(test.InputPath)
		if got := healthOf(t, vm, states[name]); got != test.HealthStatus {
			t.Errorf("%s is %+v, not %+v", name, got, test.HealthStatus)
		}
		delete(states, name)
	}
	for name := range states {
		t.Errorf("health_test.yaml does not say how %s is", name)
	}
}

func TestNothingIsHealthyBeforeItsSpecWasSeen(t *testing.T) {
	vm := vm(t)
	for name, release := range fixtures(t) {
		if got := healthOf(t, vm, changed(release)); got.Status != health.HealthStatusProgressing {
			t.Errorf("%s with a change that was not seen is %+v", name, got)
		}
		unknown := release.DeepCopy()
		unstructured.RemoveNestedField(unknown.Object, "status")
		if got := healthOf(t, vm, unknown); got.Status != health.HealthStatusProgressing {
			t.Errorf("%s without a status is %+v", name, got)
		}
	}
}

// discovered are the actions that Argo CD offers, by their names.
func discovered(t *testing.T, vm lua.VM, release *unstructured.Unstructured) []v1alpha1.ResourceAction {
	t.Helper()
	scripts, err := vm.GetResourceActionDiscovery(release)
	if err != nil {
		t.Fatal(err)
	}
	found, err := vm.ExecuteResourceActionDiscovery(release, scripts)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(found, func(a, b v1alpha1.ResourceAction) int { return strings.Compare(a.Name, b.Name) })
	return found
}

// act runs an action as Argo CD's server does, which does not ask whether it is disabled.
func act(t *testing.T, vm lua.VM, release *unstructured.Unstructured, name string) (*unstructured.Unstructured, error) {
	t.Helper()
	action, err := vm.GetResourceAction(release, name)
	if err != nil {
		t.Fatal(err)
	}
	impacted, err := vm.ExecuteResourceAction(release, action.ActionLua, nil)
	if err != nil {
		return nil, err
	}
	if len(impacted) != 1 || impacted[0].K8SOperation != lua.PatchOperation {
		t.Fatalf("%s is no patch of the release alone: %+v", name, impacted)
	}
	return impacted[0].UnstructuredObj, nil
}

func TestOfferedActionsOfEveryState(t *testing.T) {
	vm, states := vm(t), fixtures(t)
	var wanted actionTests
	expected(t, "actions/action_test.yaml", &wanted)
	for _, test := range wanted.DiscoveryTests {
		name := state(test.InputPath)
		slices.SortFunc(test.Result, func(a, b v1alpha1.ResourceAction) int { return strings.Compare(a.Name, b.Name) })
		if got := discovered(t, vm, states[name]); !reflect.DeepEqual(got, test.Result) {
			t.Errorf("%s offers %+v, not %+v", name, got, test.Result)
		}
		delete(states, name)
	}
	for name := range states {
		t.Errorf("action_test.yaml does not say what %s offers", name)
	}
}

func TestAnActionDoesWhatTheCommandLineDoes(t *testing.T) {
	vm, states := vm(t), fixtures(t)
	var wanted actionTests
	expected(t, "actions/action_test.yaml", &wanted)
	unused := map[string]bool{}
	outputs, _ := filepath.Glob(filepath.Join(customization, "actions/testdata/*.yaml"))
	for _, path := range outputs {
		unused[filepath.Base(path)] = true
	}
	for _, test := range wanted.ActionTests {
		name := state(test.InputPath)
		got, err := act(t, vm, states[name], test.Action)
		if err != nil {
			t.Errorf("%s of %s: %v", test.Action, name, err)
			continue
		}
		want := read(t, filepath.Join(customization, "actions", test.ExpectedOutputPath))
		if test.Action == "retry" {
			isNow(t, got.GetAnnotations()[retryAnnotation])
			annotations := got.GetAnnotations()
			annotations[retryAnnotation] = want.GetAnnotations()[retryAnnotation]
			got.SetAnnotations(annotations)
		}
		if got, want := text(t, got), text(t, want); got != want {
			t.Errorf("%s of %s gives\n%s\nnot\n%s", test.Action, name, got, want)
		}
		delete(unused, filepath.Base(test.ExpectedOutputPath))
	}
	for file := range unused {
		t.Errorf("action_test.yaml does not use actions/testdata/%s", file)
	}
}

func isNow(t *testing.T, value string) {
	t.Helper()
	at, err := time.Parse(time.RFC3339, value)
	if err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("retry says %q, not the time (%v)", value, err)
	}
}

// text makes numbers the same, which Lua has of one kind alone.
func text(t *testing.T, object *unstructured.Unstructured) string {
	t.Helper()
	text, err := yaml.Marshal(object.Object)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAnActionThatIsNotOfferedRefuses(t *testing.T) {
	vm := vm(t)
	for name, release := range fixtures(t) {
		before := text(t, release)
		offered := discovered(t, vm, release)
		if len(offered) != len(actions) {
			t.Errorf("%s knows the actions %+v", name, offered)
		}
		for _, action := range offered {
			got, err := act(t, vm, release, action.Name)
			switch {
			case action.Disabled && err == nil:
				t.Errorf("%s of %s is disabled and does something", action.Name, name)
			case !action.Disabled && err != nil:
				t.Errorf("%s of %s is offered and refuses: %v", action.Name, name, err)
			case !action.Disabled && text(t, got) == before:
				t.Errorf("%s of %s is offered and changes nothing", action.Name, name)
			}
		}
	}
}
