package daemon

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/setlogger/setlogger/api"
)

// addStreams adds the calls that read and write by themselves, for speed or because they are streams.
func (d *Daemon) addStreams(r *router) {
	d.addAppend(r)
	d.addNodes(r)
	d.addLog(r)
	d.addStream(r)
	d.addEvents(r)
	d.addExport(r)
}

func (d *Daemon) addAppend(r *router) {
	o := r.operation(http.MethodPost, "/v1/buckets/{bucket}/actions", "append", "Append one entry, or each line as one")
	o.Description = `One action, or a transaction {"actions":[…]}, is one entry: durable when the answer comes. Of NDJSON each line is an entry; ` +
		`at the first refused one it stops, and the error has line and committed.`
	o.Parameters = []*huma.Param{
		inPath("bucket", "Name of the bucket, percent-encoded as one segment"),
		inHeader("If-Match", "Rev that the one node touched must have, else 412"),
		inHeader("Idempotency-Key", "A repeat with the same key and body answers as the first did"),
	}
	action := r.actionSchema()
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/json": media("application/json", action), api.LinesType: media(api.LinesType, action),
	}}
	o.Responses["200"] = &huma.Response{Description: "Appended", Content: map[string]*huma.MediaType{"application/json": {
		Schema: &huma.Schema{OneOf: []*huma.Schema{r.schema(reflect.TypeFor[api.Appended]()), r.schema(reflect.TypeFor[api.AppendedMany]())}},
	}}}
	r.handle(o, d.appendActions)
}

func (d *Daemon) addNodes(r *router) {
	o := r.operation(http.MethodGet, "/v1/buckets/{bucket}/nodes/{id}", "getNode", "One node")
	o.Parameters = []*huma.Param{
		inPath("bucket", "Name of the bucket, percent-encoded as one segment"), inPath("id", "Id of the node, percent-encoded as one segment"),
		inHeader("If-None-Match", "Rev that the caller has"), inQuery("at", "A stamp, or a time as RFC 3339: the node as it was then"),
	}
	o.Responses["200"] = r.answers("The node; ETag is its rev", reflect.TypeFor[api.Node](), "application/json")
	o.Responses["304"] = &huma.Response{Description: "The caller has it"}
	r.handle(o, d.getNode)

	o = r.operation(http.MethodGet, "/v1/buckets/{bucket}/nodes/{id}/history", "getHistory", "What was written to one node, the last first")
	o.Parameters = []*huma.Param{
		inPath("bucket", "Name of the bucket, percent-encoded as one segment"), inPath("id", "Id of the node, percent-encoded as one segment"),
		inQuery("limit", "Entries a page, 100 unless given, up to 1000"), inQuery("cursor", "next of the page before"),
	}
	o.Responses["200"] = r.answers("The page", reflect.TypeFor[api.History](), "application/json")
	r.handle(o, d.getHistory)

	o = r.operation(http.MethodGet, "/v1/buckets/{bucket}/nodes", "listNodes", "A page of nodes; all of them as NDJSON")
	o.Parameters = []*huma.Param{
		inPath("bucket", "Name of the bucket, percent-encoded as one segment"), inQuery("prefix", "Only ids that begin with it, by id"),
		inQuery("order", "Names separated by commas, - in front for downwards; the bucket's order unless given"),
		inQuery("where", "PROPERTY:OPERATOR:VALUE, of eq, in, lt, gt, starts-with; may be given again, all must hold"),
		inQuery("fields", "Names of properties separated by commas: values have these alone"),
		inQuery("limit", "Nodes a page, 100 unless given, up to 1000"), inQuery("cursor", "next of the page before"),
		inQuery("at", "A stamp, or a time as RFC 3339: the nodes as they were then"),
	}
	o.Responses["200"] = r.answers("The page", reflect.TypeFor[api.Page](), "application/json", api.LinesType)
	r.handle(o, d.listNodes)
}

func (d *Daemon) addLog(r *router) {
	o := r.operation(http.MethodGet, "/v1/buckets/{bucket}/log", "readLog", "Entries in the order they reached this device")
	o.Parameters = []*huma.Param{
		inPath("bucket", "Name of the bucket, percent-encoded as one segment"), inQuery("after", "Offset to go on after; none: the beginning"),
		inQuery("limit", "Entries a page, 100 unless given, up to 1000"), inQuery("live", "sse: a stream of events; long-poll: wait for the first"),
		inHeader("Last-Event-ID", "As after=, for event streams"),
	}
	o.Responses["200"] = r.answers("The entries", reflect.TypeFor[api.Log](), "application/json", api.LinesType, api.EventsType)
	r.handle(o, d.readLog)
}

func (d *Daemon) addStream(r *router) {
	o := r.operation(http.MethodGet, streamPath, "stream", "Changes of many buckets over one connection")
	o.Description = `A WebSocket (subprotocol setlogger.v1; a page adds bearer.TOKEN) on which the caller sends Subscriptions and gets Events, or with Accept: text/event-stream ` +
		`the Events of the buckets in the query. A bucket's nodes come first, then each change; after= a ready's place, only what changed since.`
	o.Parameters = []*huma.Param{
		inQuery("bucket", "Of an event stream: a bucket's name; may be given again"),
		inHeader("Last-Event-ID", "Of an event stream: id of the last event, to go on from there"),
	}
	o.Responses["101"] = &huma.Response{Description: "A WebSocket"}
	o.Responses["200"] = r.answers("The events", reflect.TypeFor[api.Event](), api.EventsType)
	r.schema(reflect.TypeFor[api.Subscription]())
	r.handle(o, d.openStream)
}

func (d *Daemon) addEvents(r *router) {
	o := r.operation(http.MethodGet, "/v1/events", "events", "The status at once, and again after each change")
	o.Description = `An event stream; each data: is the whole status. Changes that follow each other closely come as one, and a quiet stream has a comment now and then.`
	o.Responses["200"] = r.answers("The events", reflect.TypeFor[api.Status](), api.EventsType)
	r.handle(o, d.streamStatus)
}

func (d *Daemon) addExport(r *router) {
	o := r.operation(http.MethodGet, "/v1/buckets/{bucket}/export", "export", "Every node with its id, RFC 8785, one a line, in the order of ids")
	o.Parameters = []*huma.Param{inPath("bucket", "Name of the bucket, percent-encoded as one segment")}
	line := &huma.Schema{Type: huma.TypeObject, Required: []string{"id"}, AdditionalProperties: true, Properties: map[string]*huma.Schema{"id": {Type: huma.TypeString}}}
	o.Responses["200"] = &huma.Response{Description: "The lines", Content: map[string]*huma.MediaType{api.LinesType: media(api.LinesType, line)}}
	r.handle(o, d.export)
}

func (d *Daemon) addMetrics(r *router) {
	o := r.operation(http.MethodGet, metricsPath, "metrics", "What the daemon counts, for Prometheus; takes the scope admin")
	o.Responses["200"] = &huma.Response{Description: "The text format", Content: map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: "string"}}}}
	r.handle(o, d.metrics.handler())
}

// answers describes a body of one shape in several forms.
func (r *router) answers(text string, shape reflect.Type, kinds ...string) *huma.Response {
	response := &huma.Response{Description: text, Content: map[string]*huma.MediaType{}}
	for _, kind := range kinds {
		of := shape
		if kind != "application/json" {
			of = itemOf(shape)
		}
		response.Content[kind] = media(kind, r.schema(of))
	}
	return response
}

// itemOf is what a list has on each line of a stream.
func itemOf(list reflect.Type) reflect.Type {
	switch list {
	case reflect.TypeFor[api.Page]():
		return reflect.TypeFor[api.Node]()
	case reflect.TypeFor[api.Log]():
		return reflect.TypeFor[api.Entry]()
	}
	return list
}

func inPath(name, text string) *huma.Param  { return parameter(name, "path", text) }
func inQuery(name, text string) *huma.Param { return parameter(name, "query", text) }
func inHeader(name, text string) *huma.Param {
	return parameter(name, "header", text)
}

func parameter(name, in, text string) *huma.Param {
	return &huma.Param{Name: name, In: in, Description: text, Required: in == "path", Schema: &huma.Schema{Type: "string"}}
}
