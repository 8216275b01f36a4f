package gitops

import (
	"os"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"sigs.k8s.io/yaml"
)

func definition(t *testing.T) *apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	text, err := os.ReadFile("../../crds/frappereleases.crossfade.dev.yaml")
	if err != nil {
		t.Fatal(err)
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(text, crd); err != nil {
		t.Fatal(err)
	}
	return crd
}

// The fixtures have the defaults of the operator's types: they must be those that the API server fills in, and what it
// fills in before the operator has written anything must not look done.
func TestTheFixturesHaveTheDefaultsOfTheServer(t *testing.T) {
	internal := &apiextensions.JSONSchemaProps{}
	published := definition(t).Spec.Versions[0].Schema.OpenAPIV3Schema
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(published, internal, nil); err != nil {
		t.Fatal(err)
	}
	structural, err := schema.NewStructural(internal)
	if err != nil {
		t.Fatal(err)
	}
	want := fixtures(t)["unseen_new"]
	got := read(t, "testdata/erp.yaml")
	got.Object["spec"].(map[string]any)["image"] = want.Object["spec"].(map[string]any)["image"]
	got.SetGeneration(want.GetGeneration())
	got.SetFinalizers(want.GetFinalizers())
	defaulting.Default(got.Object, structural)
	if got, want := text(t, got), text(t, want); got != want {
		t.Errorf("the API server makes of the manifest\n%s\nand the fixture is\n%s", got, want)
	}
}
