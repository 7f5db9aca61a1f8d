package daemon

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/disk"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/remote/remotetest"
)

// metrics reads all that the daemon counts, by name and labels: name{label="value"}. Of a histogram it is the count.
func (s *served) metrics(t *testing.T) map[string]float64 {
	t.Helper()
	got := s.get(t, "/metrics")
	if got.status != 200 || !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") {
		t.Fatalf("%d %v", got.status, got.header)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(got.body))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			values[name+labelsOf(m)] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return values
}

func labelsOf(m *dto.Metric) string {
	var labels []string
	for _, l := range m.GetLabel() {
		labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	if len(labels) == 0 {
		return ""
	}
	slices.Sort(labels)
	return "{" + strings.Join(labels, ",") + "}"
}

// TestMetricsMove: each thing that is done is counted once, under the labels it should have.
func TestMetricsMove(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "secret-name")
	if _, err := s.client.Sync(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	before := s.metrics(t)
	s.append(t, "secret-name", `{"actions":[{"type":"CREATE_NODE","id":"secret-id"},{"type":"CREATE_NODE","id":"b"}]}`)
	s.append(t, "secret-name", `{"type":"CREATE_NODE","id":"secret-id"}`) // changes nothing
	s.call(t, "POST", "/v1/buckets/secret-name/actions", strings.Repeat(`{"type":"INCREMENT","id":"b","path":["n"],"by":1}`+"\n", 3), lines())
	s.get(t, "/v1/buckets/secret-name/nodes/secret-id")
	s.get(t, "/v1/buckets/secret-name/nodes/none")
	s.get(t, "/v1/secret-path")
	refused, _ := http.NewRequestWithContext(t.Context(), "SECRET", "http://"+s.address+"/v1/status", nil)
	s.do(t, refused)
	ear := s.listen(t)
	ear.say(api.Subscription{Subscribe: "secret-name"})
	ear.until("all", func() bool { return len(ear.nodes) == 2 })
	s.append(t, "secret-name", `{"type":"DELETE_NODE","id":"b"}`)
	ear.until("the change", func() bool { return len(ear.nodes) == 1 })
	if _, err := s.client.Sync(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	after := s.metrics(t)
	for name, want := range map[string]float64{
		`setlogger_http_requests_total{code="2xx",method="POST",route="/v1/buckets/{bucket}/actions"}`:   4,
		`setlogger_http_request_duration_seconds{method="POST",route="/v1/buckets/{bucket}/actions"}`:    4,
		`setlogger_http_requests_total{code="2xx",method="GET",route="/v1/buckets/{bucket}/nodes/{id}"}`: 1,
		`setlogger_http_requests_total{code="4xx",method="GET",route="/v1/buckets/{bucket}/nodes/{id}"}`: 1,
		`setlogger_http_requests_total{code="4xx",method="GET",route="unknown"}`:                         1,
		`setlogger_http_requests_total{code="4xx",method="other",route="refused"}`:                       1,
		`setlogger_http_requests_total{code="2xx",method="GET",route="/metrics"}`:                        1,

		`setlogger_entries_appended_total`:              5,
		`setlogger_actions_appended_total`:              6,
		`setlogger_entries_received_total`:              0,
		`setlogger_streams_open{kind="websocket"}`:      1,
		`setlogger_streams_cut_off_total`:               0,
		`setlogger_stream_nodes_total{type="snapshot"}`: 2,
		`setlogger_stream_nodes_total{type="change"}`:   1,
		`setlogger_nodes`:                               1,
		`setlogger_entries`:                             5,
	} {
		if moved := after[name] - before[name]; moved != want {
			t.Errorf("%s moved by %v, want %v", name, moved, want)
		}
	}
	for _, name := range []string{
		`setlogger_commit_duration_seconds`, `setlogger_commit_bytes_total`, `setlogger_store_bytes`,
		`setlogger_sync_rounds_total{outcome="ok",remote="local"}`, `setlogger_sync_round_duration_seconds{remote="local"}`,
		`setlogger_remote_calls_total{outcome="ok",remote="local",verb="list"}`, `setlogger_remote_calls_total{outcome="ok",remote="local",verb="write"}`,
		`setlogger_remote_sent_bytes_total{remote="local"}`, `setlogger_remote_received_bytes_total{remote="local"}`,
		`setlogger_remote_last_sync_timestamp_seconds{remote="local"}`,
	} {
		if after[name] <= before[name] && name != `setlogger_store_bytes` || after[name] == 0 {
			t.Errorf("%s: %v, then %v", name, before[name], after[name])
		}
	}
	if after[`setlogger_buckets`] != 1 || after[`setlogger_pending_entries`] != 0 || after[`setlogger_remote_up{remote="local"}`] != 1 {
		t.Errorf("%v", after)
	}
	if text := string(s.get(t, "/metrics").body); strings.Contains(strings.ToLower(text), "secret") {
		t.Error("a name, an id, a path or a method of a caller is a label")
	}
}

// TestMetricsAreWellFormed holds them to Prometheus's own rules, and each of ours to a name and a help.
func TestMetricsAreWellFormed(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	if _, err := s.client.Sync(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	body := s.get(t, "/metrics").body
	problems, err := promlint.New(bytes.NewReader(body)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	for _, want := range []string{"setlogger_build_info{", "go_goroutines ", "process_start_time_seconds "} {
		if !bytes.Contains(body, []byte("\n"+want)) && (want[0] != 'p' || processIsTold()) {
			t.Errorf("no %s", want)
		}
	}
}

// processIsTold tells whether this system shows what the process collector reads.
func processIsTold() bool {
	_, err := os.Stat("/proc/self/stat")
	return err == nil
}

// TestMetricsTakeAdmin: they tell of all buckets and remotes.
func TestMetricsTakeAdmin(t *testing.T) {
	s := serveDaemon(t)
	for scope, want := range map[string]int{"*:r": 403, "admin": 200} {
		app, err := s.client.AddApp(t.Context(), api.AppRequest{Name: "prometheus", Scopes: []string{scope}})
		if err != nil {
			t.Fatal(err)
		}
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.address+"/metrics", nil)
		request.Header.Set("Authorization", "Bearer "+app.Token)
		if got := s.do(t, request); got.status != want {
			t.Errorf("%s: %d, want %d", scope, got.status, want)
		}
	}
}

// TestMetricsOfAFailingRemote: what fails is counted by its name, and told while it lasts; a remote that is removed is not
// told any more.
func TestMetricsOfAFailingRemote(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "none")
	s := serveOptions(t, Options{Data: filepath.Join(t.TempDir(), "data"), Open: func(path string) remote.Storage {
		if strings.HasSuffix(path, "away") {
			return disk.New(nowhere)
		}
		return disk.New(path)
	}})
	if _, err := s.client.AddRemote(t.Context(), api.Remote{Name: "away", Path: filepath.Join(t.TempDir(), "away")}); err != nil {
		t.Fatal(err)
	}
	_, _ = s.client.Sync(t.Context(), "away")
	got := s.metrics(t)
	for _, name := range []string{
		`setlogger_problems{kind="folder-vanished"}`,
		`setlogger_sync_rounds_total{outcome="folder-vanished",remote="away"}`,
		`setlogger_remote_calls_total{outcome="folder-vanished",remote="away",verb="list"}`,
	} {
		if got[name] < 1 {
			t.Errorf("%s: %v", name, got[name])
		}
	}
	if up, known := got[`setlogger_remote_up{remote="away"}`]; up != 0 || !known {
		t.Errorf("up: %v", up)
	}
	if err := s.client.RemoveRemote(t.Context(), "away"); err != nil {
		t.Fatal(err)
	}
	told := func() bool { return strings.Contains(fmt.Sprint(slices.Collect(maps.Keys(s.metrics(t)))), "away") }
	for deadline := time.Now().Add(20 * time.Second); told(); { // its lane ends by itself
		if time.Now().After(deadline) {
			t.Fatal("a removed remote is still told of")
		}
	}
}

func TestCountedStorage(t *testing.T) {
	remotetest.Run(t, func(*testing.T) remote.Storage {
		return &countedStorage{memory.New(), "memory", newMetrics("test"), nil, &budget{}, &valve{}}
	})
}

func TestCutOffIsCounted(t *testing.T) {
	m := newMetrics("test")
	for _, err := range []error{nil, context.Canceled, fmt.Errorf("write: %w", os.ErrDeadlineExceeded), context.DeadlineExceeded} {
		_ = m.noteWrite(err)
	}
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "setlogger_streams_cut_off_total" && f.GetMetric()[0].GetCounter().GetValue() != 2 {
			t.Errorf("%v", f)
		}
	}
}
