package daemon

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
)

const metricsPath = "/metrics"

// metrics counts what the daemon does, in a registry of its own. Of the user's words only the names of remotes are labels:
// there are few of them, and it is they that fail. Buckets are told as sums.
type metrics struct {
	registry *prometheus.Registry

	requests    *prometheus.CounterVec   // by route, method, class of status
	requestTime *prometheus.HistogramVec // by route, method

	entries, actions, folded prometheus.Counter
	commitTime               prometheus.Histogram
	commitBytes              prometheus.Counter

	streams *prometheus.GaugeVec // by kind
	cutOff  prometheus.Counter
	told    *prometheus.CounterVec // by type of event

	rounds    *prometheus.CounterVec   // by remote, outcome
	roundTime *prometheus.HistogramVec // by remote
	calls     *prometheus.CounterVec   // by remote, verb, outcome
	sent      *prometheus.CounterVec   // by remote
	received  *prometheus.CounterVec   // by remote
	messages  *prometheus.CounterVec   // by remote, outcome
}

func newMetrics(version string) *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	factory := promauto.With(m.registry)
	factory.NewGaugeVec(gauge("build_info", "Always 1; its labels tell the version."), []string{"version", "goversion"}).
		WithLabelValues(version, runtime.Version()).Set(1)

	m.requests = factory.NewCounterVec(counter("http_requests_total", "Requests answered. Route refused: those that the gate did not let in."), []string{"route", "method", "code"})
	m.requestTime = factory.NewHistogramVec(seconds("http_request_duration_seconds", "From a request to the end of its answer; streams and long polls left out.", 0.0001, 4, 10), []string{"route", "method"})

	m.entries = factory.NewCounter(counter("entries_appended_total", "Entries appended on this device."))
	m.actions = factory.NewCounter(counter("actions_appended_total", "Actions of the entries appended on this device."))
	m.folded = factory.NewCounter(counter("entries_received_total", "Entries of other writers taken in."))
	m.commitTime = factory.NewHistogram(seconds("commit_duration_seconds", "Durable transactions of buckets' logs, fsync included.", 0.0001, 4, 10))
	m.commitBytes = factory.NewCounter(counter("commit_bytes_total", "Bytes of entries, and of what is stored beside them, committed."))

	m.streams = factory.NewGaugeVec(gauge("streams_open", "Open streams of changes and of entries."), []string{"kind"})
	m.cutOff = factory.NewCounter(counter("streams_cut_off_total", "Streams ended because the reader took nothing for too long."))
	m.told = factory.NewCounterVec(counter("stream_nodes_total", "Nodes told on streams of changes."), []string{"type"})

	m.rounds = factory.NewCounterVec(counter("sync_rounds_total", "Rounds with a remote, by how they ended: ok, or the name of the problem."), []string{"remote", "outcome"})
	m.roundTime = factory.NewHistogramVec(seconds("sync_round_duration_seconds", "Rounds with a remote.", 0.001, 4, 10), []string{"remote"})
	m.calls = factory.NewCounterVec(counter("remote_calls_total", "Calls of a remote, by how they ended: ok, absent, stopped, or the name of the problem."), []string{"remote", "verb", "outcome"})
	m.sent = factory.NewCounterVec(counter("remote_sent_bytes_total", "Bytes of files written to a remote."), []string{"remote"})
	m.received = factory.NewCounterVec(counter("remote_received_bytes_total", "Bytes of files read from a remote."), []string{"remote"})
	m.messages = factory.NewCounterVec(counter("messages_total", "Messages of a remote's channel, by what became of them: sent, too-large, folded, known, early, ask, look, not-held, refused."), []string{"remote", "outcome"})
	return m
}

const namespace = "setlogger"

func counter(name, help string) prometheus.CounterOpts {
	return prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}
}

func gauge(name, help string) prometheus.GaugeOpts {
	return prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}
}

func seconds(name, help string, first, factor float64, count int) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(first, factor, count)}
}

// handler answers GET /metrics.
func (m *metrics) handler() func(w http.ResponseWriter, r *http.Request) error {
	serve := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{DisableCompression: true}) // it goes no further than this machine
	return func(w http.ResponseWriter, r *http.Request) error {
		serve.ServeHTTP(w, r)
		return nil
	}
}

// noteCommit is told of each commit of a bucket.
func (m *metrics) noteCommit(c localstore.Commit) {
	m.entries.Add(float64(c.Own))
	m.actions.Add(float64(c.Actions))
	m.folded.Add(float64(c.Entries - c.Own))
	m.commitBytes.Add(float64(c.Bytes))
	m.commitTime.Observe(c.Took.Seconds())
}

// noteRound is told how a round with a remote ended, and when it began; one that the stop ended is none.
func (m *metrics) noteRound(ctx context.Context, name string, began time.Time, err error) {
	if ctx.Err() != nil || errors.Is(err, errPaused) {
		return
	}
	m.rounds.WithLabelValues(name, outcomeOf(err)).Inc()
	m.roundTime.WithLabelValues(name).Observe(time.Since(began).Seconds())
}

// noteStream counts an open stream, until what it answers is called.
func (m *metrics) noteStream(kind string) (end func()) {
	open := m.streams.WithLabelValues(kind)
	open.Inc()
	return open.Dec
}

// noteWrite looks whether a write to a stream failed because its reader took nothing.
func (m *metrics) noteWrite(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		m.cutOff.Inc()
	}
	return err
}

// forget drops what was counted of a remote that is no more.
func (m *metrics) forget(name string) {
	of := prometheus.Labels{"remote": name}
	for _, vector := range []interface{ DeletePartialMatch(prometheus.Labels) int }{m.rounds, m.roundTime, m.calls, m.sent, m.received, m.messages} {
		vector.DeletePartialMatch(of)
	}
}

// outcomeOf is one of a few words.
func outcomeOf(err error) string {
	switch {
	case errors.Is(err, remote.ErrNotExist):
		return "absent"
	case errors.Is(err, context.Canceled):
		return "stopped"
	}
	return cmp.Or(problemOf("", err).Name, "ok")
}
