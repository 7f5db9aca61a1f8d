package daemon

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/setlogger/setlogger/api"
)

const problemsFile = "problems.json"

// describe adds to the document what is known of all calls by their methods and paths, and the examples in files.
func (r *router) describe(files fs.FS) error {
	document := r.api.OpenAPI()
	for _, t := range tags() {
		if t.text != "" {
			document.Tags = append(document.Tags, &huma.Tag{Name: t.name, Description: t.text})
		}
	}
	r.refineSchemas()
	calls := map[string]*huma.Operation{}
	for _, o := range operations(document) {
		calls[o.OperationID] = o
		o.Tags = []string{tagOf(o.Path)}
		o.Security = securityOf(o.Method, o.Path)
		for _, p := range o.Parameters {
			refineParameter(p)
		}
	}
	shared, err := r.sharedExamples(files)
	if err != nil {
		return err
	}
	for _, o := range calls {
		r.addProblems(o, shared)
	}
	return r.addExamples(files, calls)
}

// operations are all calls of a document, by path and method.
func operations(document *huma.OpenAPI) []*huma.Operation {
	var all []*huma.Operation
	for _, item := range document.Paths {
		for _, o := range []*huma.Operation{item.Get, item.Post, item.Patch, item.Delete} {
			if o != nil {
				all = append(all, o)
			}
		}
	}
	slices.SortFunc(all, func(a, b *huma.Operation) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	return all
}

// tag is a group of calls: those whose paths begin so and belong to none before it.
type tag struct{ name, text, begin string }

func tags() []tag {
	return []tag{
		{"nodes", "Reading what a bucket holds", "/v1/buckets/{bucket}/nodes"},
		{"nodes", "", "/v1/buckets/{bucket}/export"},
		{"log", "Appending to a bucket, undoing, and its entries", "/v1/buckets/{bucket}/actions"},
		{"log", "", "/v1/buckets/{bucket}/log"},
		{"log", "", "/v1/buckets/{bucket}/undo"},
		{"buckets", "The buckets of this device and their settings", "/v1/buckets"},
		{"live", "Changes as they happen", "/v1/stream"},
		{"remotes", "The places that buckets are synced with", "/v1/remotes"},
		{"remotes", "", "/v1/keys"},
		{"apps", "Letting programs and web pages in", appsPath},
		{"daemon", "The daemon as a whole", "/"},
	}
}

func tagOf(path string) string {
	all := tags()
	return all[slices.IndexFunc(all, func(t tag) bool { return strings.HasPrefix(path, t.begin) })].name
}

// Scopes as the document names them; BUCKET stands for the name of the bucket.
const (
	readScope  = "BUCKET:r"
	writeScope = "BUCKET:rw"
	adminScope = "admin"
)

// securityOf tells what a call takes, as grant.permits has it; the tests compare the two.
func securityOf(method, path string) []map[string][]string {
	scopes := []string{adminScope}
	write := method == http.MethodPatch && strings.HasPrefix(path, "/v1/buckets/")
	for _, deed := range []string{"/actions", "/undo", "/compact"} {
		write = write || strings.HasSuffix(path, deed)
	}
	switch {
	case method == http.MethodPost && path == appsPath: // the owner may let in at once
		return []map[string][]string{{}, {"token": scopes}}
	case path == healthPath || isPairing(method, path):
		return []map[string][]string{}
	case method == http.MethodGet && slices.Contains([]string{"/v1/status", "/v1/events", "/v1/buckets"}, path):
		scopes = []string{} // each is shown what it may see
	case write || method == http.MethodPost && path == "/v1/buckets":
		scopes = []string{writeScope}
	case method == http.MethodGet && (path == streamPath || strings.HasPrefix(path, "/v1/buckets/")):
		scopes = []string{readScope}
	}
	return []map[string][]string{{"token": scopes}}
}

// sharedProblems names the examples of problems.json that a call can be answered with.
func sharedProblems(o *huma.Operation) []string {
	names := []string{"forgedHost"}
	if len(o.Security) == 1 {
		names = append(names, "noToken")
		if len(o.Security[0]["token"]) > 0 {
			names = append(names, "noScope")
		}
	}
	for part, name := range map[string]string{"{bucket}": "noBucket", "{remote}": "noRemote", "{app}": "noApp"} {
		if strings.Contains(o.Path, part) {
			names = append(names, name)
		}
	}
	if o.RequestBody != nil {
		names = append(names, "otherForm", "tooLarge", "unknownMember")
		if o.RequestBody.Content[api.LinesType] == nil { // else setlog reads it, and answers 422
			names = append(names, "noJSON")
		}
	}
	return names
}

// sharedExamples puts what many calls can be answered with among the components, and answers it by name.
func (r *router) sharedExamples(files fs.FS) (map[string]example, error) {
	all, err := readExamples(files, problemsFile)
	if err != nil {
		return nil, err
	}
	shared := map[string]example{}
	examples := map[string]*huma.Example{}
	failed := &huma.MediaType{Schema: r.schema(reflect.TypeFor[api.Error]()), Examples: map[string]*huma.Example{}}
	for _, e := range all {
		shared[e.Name] = e
		examples[e.Name] = &huma.Example{Summary: e.Summary, Value: e.Answer}
		if e.Status >= http.StatusInternalServerError {
			failed.Examples[e.Name] = refTo(e.Name)
		}
	}
	components := r.api.OpenAPI().Components
	components.Examples = examples
	components.Responses = map[string]*huma.Response{"Failed": {
		Description: "Failed, as any call may: a fault of the daemon or its disk, or it is stopping",
		Content:     map[string]*huma.MediaType{api.ProblemType: failed},
	}}
	return shared, nil
}

func refTo(name string) *huma.Example { return &huma.Example{Ref: "#/components/examples/" + name} }

// addProblems tells what a call may be refused with.
func (r *router) addProblems(o *huma.Operation, shared map[string]example) {
	o.Responses["default"] = &huma.Response{Ref: "#/components/responses/Failed"}
	for _, name := range sharedProblems(o) {
		r.problemOf(o, shared[name].Status).Examples[name] = refTo(name)
	}
}

// problemOf answers the description of a refusal, which it makes where it is missing.
func (r *router) problemOf(o *huma.Operation, status int) *huma.MediaType {
	key := strconv.Itoa(status)
	if o.Responses[key] == nil {
		o.Responses[key] = &huma.Response{Description: http.StatusText(status), Content: map[string]*huma.MediaType{
			api.ProblemType: {Schema: r.schema(reflect.TypeFor[api.Error]()), Examples: map[string]*huma.Example{}},
		}}
	}
	return o.Responses[key].Content[api.ProblemType]
}

// addExamples adds the examples of all other files, numbered in the order in which they can be run.
func (r *router) addExamples(files fs.FS, calls map[string]*huma.Operation) error {
	names, err := fs.Glob(files, "*.json") // sorted
	if err != nil {
		return err
	}
	order := 0
	for _, name := range names {
		if name == problemsFile {
			continue
		}
		all, err := readExamples(files, name)
		if err != nil {
			return err
		}
		for _, e := range all {
			order++
			if calls[e.Call] == nil {
				return fmt.Errorf("example %s is of no call: %s", e.Name, e.Call)
			}
			if err := r.addExample(calls[e.Call], e, order); err != nil {
				return fmt.Errorf("example %s of %s: %w", e.Name, e.Call, err)
			}
		}
	}
	return nil
}

func readExamples(files fs.FS, name string) ([]example, error) {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	var all []example
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return all, nil
}
