// Package dashboard holds the chart's dashboard to Grafana's own schema, by the types that Grafana generates from it.
package dashboard

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

const file = "../../../charts/crossfade/dashboards/crossfade.json"

func read(t *testing.T) []byte {
	t.Helper()
	// Without these the options of panels and the queries are taken as they are.
	plugins.RegisterDefaultPlugins()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// What is wrong by the schema. A list without entries is no error, but one that is not nil.
func check(raw []byte) error {
	var read dashboard.Dashboard
	if err := read.UnmarshalJSONStrict(raw); err != nil && err.Error() != "" {
		return err
	}
	return read.Validate()
}

func TestTheDashboardIsAsGrafanasSchemaAsks(t *testing.T) {
	if err := check(read(t)); err != nil {
		t.Fatal(err)
	}
}

// A check that lets everything through is none. The words of an enumeration are all that the types do not check.
func TestWhatTheSchemaDoesNotKnowIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(panel map[string]any){
		"a field of a panel": func(panel map[string]any) { panel["colour"] = "blue" },
		"a field of a query": func(panel map[string]any) { panel["targets"].([]any)[0].(map[string]any)["promql"] = "up" },
		"an option":          func(panel map[string]any) { panel["options"] = map[string]any{"colourMode": "value"} },
		"a type":             func(panel map[string]any) { panel["title"] = 7 },
	} {
		t.Run(name, func(t *testing.T) {
			var spoilt map[string]any
			if err := json.Unmarshal(read(t), &spoilt); err != nil {
				t.Fatal(err)
			}
			spoil(spoilt["panels"].([]any)[0].(map[string]any))
			raw, err := json.Marshal(spoilt)
			if err != nil {
				t.Fatal(err)
			}
			if check(raw) == nil {
				t.Fatal("it was let through")
			}
		})
	}
}
