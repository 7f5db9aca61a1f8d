package daemon

import "github.com/prometheus/client_golang/prometheus"

// standing tells, as gauges, what the status tells.
type standing struct {
	d *Daemon

	buckets, entries, nodes, bytes, pending *prometheus.Desc
	remotePending, lastSync, up             *prometheus.Desc // by remote
	problems                                *prometheus.Desc // by kind
}

func newStanding(d *Daemon) *standing {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
	}
	return &standing{
		d:             d,
		buckets:       describe("buckets", "Buckets that this device takes part in."),
		entries:       describe("entries", "Entries in the logs of all buckets."),
		nodes:         describe("nodes", "Nodes alive in all buckets."),
		bytes:         describe("store_bytes", "Size of the files of all buckets."),
		pending:       describe("pending_entries", "Entries acknowledged here and not yet seen on every remote."),
		remotePending: describe("remote_pending_entries", "Entries acknowledged here and not yet seen on the remote.", "remote"),
		lastSync:      describe("remote_last_sync_timestamp_seconds", "When a round with the remote last ended well; left out before the first.", "remote"),
		up:            describe("remote_up", "1 while the last round with the remote ended well, else 0.", "remote"),
		problems:      describe("problems", "What needs a person, by the name of the problem.", "kind"),
	}
}

// Describe is of prometheus.Collector.
func (s *standing) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{s.buckets, s.entries, s.nodes, s.bytes, s.pending, s.remotePending, s.lastSync, s.up, s.problems} {
		out <- desc
	}
}

// Collect is of prometheus.Collector. It costs what a status costs.
func (s *standing) Collect(out chan<- prometheus.Metric) {
	tell := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	status := s.d.status()
	var entries, nodes uint64
	var bytes int64
	for _, b := range status.Buckets {
		entries, nodes, bytes = entries+b.Entries, nodes+b.Nodes, bytes+b.Bytes
	}
	tell(s.buckets, float64(len(status.Buckets)))
	tell(s.entries, float64(entries))
	tell(s.nodes, float64(nodes))
	tell(s.bytes, float64(bytes))
	tell(s.pending, float64(status.Pending))
	for _, r := range status.Remotes {
		tell(s.remotePending, float64(r.Pending), r.Name)
		up := 1.0
		if r.Error != "" {
			up = 0
		}
		tell(s.up, up, r.Name)
		if r.LastSync != nil {
			tell(s.lastSync, float64(r.LastSync.UnixMilli())/1000, r.Name)
		}
	}
	kinds := map[string]int{}
	for _, p := range status.Problems {
		kinds[p.Name]++
	}
	for kind, n := range kinds {
		tell(s.problems, float64(n), kind)
	}
}
