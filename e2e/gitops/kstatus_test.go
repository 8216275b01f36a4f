package gitops

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

// What kstatus says of each state that is not simply in progress. A release that a human has to help on (an approval, a
// failed Job, one that was taken back) is Stalled, which kstatus calls Failed.
var judged = map[string]status.Status{
	"complete":              status.CurrentStatus,
	"approval_plan":         status.FailedStatus,
	"approval_promote":      status.FailedStatus,
	"approval_contract":     status.FailedStatus,
	"approval_steps":        status.FailedStatus,
	"promotion":             status.FailedStatus,
	"job_failed":            status.FailedStatus,
	"plan_blocking":         status.FailedStatus,
	"invalid_spec":          status.FailedStatus,
	"analysis_inconclusive": status.FailedStatus,
	"drain_deadline":        status.FailedStatus,
	"no_way_back":           status.FailedStatus,
	"rolled_back":           status.FailedStatus,
}

func kstatus(t *testing.T, release *unstructured.Unstructured) status.Status {
	t.Helper()
	result, err := status.Compute(release)
	if err != nil {
		t.Fatal(err)
	}
	return result.Status
}

func TestKstatusOfEveryState(t *testing.T) {
	states := fixtures(t)
	for name := range judged {
		if states[name] == nil {
			t.Errorf("there is no state %s", name)
		}
	}
	for name, release := range states {
		want, isKnown := judged[name]
		if !isKnown {
			want = status.InProgressStatus
		}
		if got := kstatus(t, release); got != want {
			t.Errorf("%s is %s, not %s", name, got, want)
		}
	}
}

func TestKstatusIsInProgressBeforeASpecWasSeen(t *testing.T) {
	for name, release := range fixtures(t) {
		if got := kstatus(t, changed(release)); got != status.InProgressStatus {
			t.Errorf("%s with a change that was not seen is %s", name, got)
		}
	}
}
