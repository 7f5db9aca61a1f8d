package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/daemon/examples"
	"github.com/setlogger/setlogger/daemon/web"
)

const (
	healthPath = "/healthz"
	appsPath   = "/v1/apps"
	streamPath = "/v1/stream"
)

// router ties each call to its handler and to its description in the OpenAPI document.
type router struct {
	mux *http.ServeMux
	api huma.API
}

// answer is a body of JSON.
type answer[T any] struct{ Body T }

// routes makes the handler of all routes, without the gate.
func (d *Daemon) routes() (http.Handler, error) {
	mux := http.NewServeMux()
	r := &router{mux: mux, api: humago.New(mux, config(d.o.Version))}
	d.addCalls(r)
	d.addStreams(r)
	d.addMetrics(r)
	for _, unused := range []string{"ErrorModel", "ErrorDetail"} { // huma's own shape of errors, which asProblem replaces
		delete(r.api.OpenAPI().Components.Schemas.Map(), unused)
	}
	if err := r.describe(examples.Files); err != nil {
		return nil, err
	}
	mux.HandleFunc("GET /openapi.json", serveDocument(r.api.OpenAPI()))
	for path, file := range pages() {
		pattern := "GET " + path
		if path == "/" {
			pattern += "{$}"
		}
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, web.Files, file) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { unknownRoute(mux, w, r) })
	return mux, nil
}

// serveDocument answers the document, which is made when it is first asked for: that takes longer than the rest of the routes.
func serveDocument(document *huma.OpenAPI) http.HandlerFunc {
	text := sync.OnceValues(func() ([]byte, error) { return json.Marshal(document) })
	return func(w http.ResponseWriter, _ *http.Request) {
		made, err := text()
		if err != nil {
			writeProblem(w, answerOf(err))
			return
		}
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(made) // the caller is gone
	}
}

// addCalls adds the calls whose bodies are small: huma reads, checks and writes them.
func (d *Daemon) addCalls(r *router) {
	huma.Register(r.api, r.operation("GET", healthPath, "health", "Is the daemon there? Needs no token; any web page may ask"), d.getHealth)
	huma.Register(r.api, r.operation("GET", "/v1/status", "status", "How the daemon stands"), d.getStatus)
	huma.Register(r.api, r.operation("GET", "/v1/buckets", "listBuckets", "List the buckets"), d.listBuckets)
	huma.Register(r.api, r.operation("POST", "/v1/buckets", "makeBucket", "Make or join a bucket; doing it again changes nothing"), d.makeBucket)
	huma.Register(r.api, r.operation("GET", "/v1/buckets/{bucket}", "showBucket", "How one bucket stands"), d.showBucket)
	huma.Register(r.api, r.operation("PATCH", "/v1/buckets/{bucket}", "changeBucket", "Change the settings of a bucket, on all devices, or the remotes it syncs with from this one"), d.changeBucket)
	huma.Register(r.api, r.operation("GET", "/v1/buckets/{bucket}/schema", "showSchema", "The JSON Schema of a bucket; SET_SCHEMA sets it"), d.showSchema)
	huma.Register(r.api, r.operation("DELETE", "/v1/buckets/{bucket}", "leaveBucket", "Leave a bucket; its file stays unless purge"), d.leaveBucket)
	huma.Register(r.api, r.operation("POST", "/v1/buckets/{bucket}/undo", "undo", "Undo an entry where it is still as the entry left it"), d.undo)
	huma.Register(r.api, r.operation("POST", "/v1/buckets/{bucket}/compact", "compact", "Write an index of what none covers yet, on each remote of the bucket"), d.compact)
	huma.Register(r.api, r.operation("GET", "/v1/remotes", "listRemotes", "List the remotes"), d.listRemotes)
	huma.Register(r.api, r.operation("POST", "/v1/remotes", "addRemote", "Name a remote"), d.addRemote)
	huma.Register(r.api, r.operation("GET", "/v1/remotes/{remote}/key", "showKey", "The recovery key of an encrypted remote"), d.showKey)
	huma.Register(r.api, r.operation("POST", "/v1/keys", "makeKey", "Make a recovery key for an encrypted remote; nothing is kept"), d.newKey)
	huma.Register(r.api, r.operation("PATCH", "/v1/remotes", "changeRemotes", "Pause all remotes, let them go on, or set the budget of each"), d.changeRemotes)
	huma.Register(r.api, r.operation("PATCH", "/v1/remotes/{remote}", "changeRemote", "Pause a remote, let it go on, or set its budget of requests"), d.changeRemote)
	huma.Register(r.api, r.operation("DELETE", "/v1/remotes/{remote}", "removeRemote", "Forget a remote; nothing on it is touched"), d.removeRemote)
	huma.Register(r.api, r.operation("POST", "/v1/remotes/{remote}/test", "testRemote", "Write, read, list and remove a small file there"), d.testRemote)
	huma.Register(r.api, r.operation("POST", "/v1/remotes/{remote}/channel", "setUpChannel", "Make the topic of a remote's channel, if it is missing, and send a message through it"), d.setUpChannel)
	huma.Register(r.api, r.operation("DELETE", "/v1/remotes/{remote}/channel", "tearDownChannel", "Take a remote's channel away, and what this device has at its service"), d.tearDownChannel)
	huma.Register(r.api, r.operation("POST", "/v1/remotes/{remote}/sync", "syncRemote", "Sync with a remote now, and wait for it"), d.syncRemote)
	huma.Register(r.api, r.operation("POST", "/v1/remotes/{remote}/move", "moveRemote", "Move a remote's share to another remote, or tell how far that is"), d.moveRemote)
	huma.Register(r.api, r.operation("GET", setupsPath, "listKinds", "What a remote can be set up on by questions"), d.listKinds)
	huma.Register(r.api, r.operation("POST", setupsPath, "beginSetup", "Begin to set up a remote by questions"), d.beginSetup)
	huma.Register(r.api, r.operation("GET", setupsPath+"/{setup}", "showSetup", "How a setup stands: the question that is to be answered"), d.showSetup)
	huma.Register(r.api, r.operation("POST", setupsPath+"/{setup}", "answerSetup", "Answer the question that stands; after the last, the place is tried and named"), d.answerSetup)
	huma.Register(r.api, r.operation("DELETE", setupsPath+"/{setup}", "dropSetup", "Give a setup up; nothing of it is left"), d.dropSetup)
	huma.Register(r.api, r.operation("GET", appsPath, "listApps", "List the apps that ask to be let in, and those that were"), d.listApps)
	huma.Register(r.api, r.operation("POST", appsPath, "askApp", "Ask to be let in; needs no token, any web page may ask, a person answers"), d.askApp)
	huma.Register(r.api, r.operation("GET", appsPath+"/{app}", "pollApp", "How a request stands; its token, once"), d.pollApp)
	huma.Register(r.api, r.operation("POST", appsPath+"/{app}/approve", "approveApp", "Let in an app that asks"), d.approveApp)
	huma.Register(r.api, r.operation("DELETE", appsPath+"/{app}", "removeApp", "Revoke an app, or deny one that asks"), d.removeApp)
	huma.Register(r.api, r.operation("POST", "/v1/sync", "sync", "Sync with all remotes now, and wait for it"), d.syncAll)
	huma.Register(r.api, r.operation("POST", "/v1/doctor", "doctor", "Look at all that can be wrong, and say how to mend what is; each remote is tested"), d.doctor)
	huma.Register(r.api, r.operation("POST", "/v1/verify", "verify", "Check every hash, signature and chain"), d.verify)
	huma.Register(r.api, r.operation("POST", "/v1/backup", "backup", "Write what is held of buckets to a place, and read it back"), d.backup)
	huma.Register(r.api, r.operation("POST", "/v1/restore", "restore", "Take buckets in from a backup, or bring nodes back to what they were"), d.restore)
}

// config describes the API as a whole. Bodies have the exact shapes of package api: no schema links are put in.
func config(version string) huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "SetLogger", Version: version,
				Description: "The localhost API of SetLogger. Names and ids are percent-encoded as one path segment. Errors are RFC 9457 problem+json with a hint.",
				License:     &huma.License{Name: "MIT", Identifier: "MIT"},
			},
			Servers: []*huma.Server{{URL: "http://" + DefaultListen, Description: "Where it listens unless told otherwise; also the unix socket in its data folder"}},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{"token": {
					Type: "http", Scheme: "bearer",
					Description: "The owner's token, which has every scope, or an app's. On the socket, the owner's programs need none.",
				}},
			},
			Security: []map[string][]string{{"token": {}}},
		},
		Formats:       map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{asProblem},
	}
}

// asProblem gives huma's own refusals the one shape of errors.
func asProblem(_ huma.Context, _ string, value any) (any, error) {
	e, ok := value.(*huma.ErrorModel)
	if !ok {
		return value, nil
	}
	text := []string{e.Detail}
	for _, detail := range e.Errors {
		text = append(text, detail.Error())
	}
	return problem(e.Status, strings.Join(text, ": "), "see /docs for the shape of this call"), nil
}

// operation describes a call; describe adds the rest.
func (r *router) operation(method, path, id, summary string) huma.Operation {
	return huma.Operation{
		Method: method, Path: path, OperationID: id, Summary: summary,
		MaxBodyBytes: maxBody, BodyReadTimeout: bodyTime, // huma sets the deadline anew; a negative one would lift the gate's
		Responses: map[string]*huma.Response{"default": {}}, // huma describes its own, if there is none
	}
}

func (r *router) schema(t reflect.Type) *huma.Schema {
	return r.api.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
}

// handle adds a call that reads and writes by itself. A {id} at the end takes the whole rest of the path, because
// ServeMux finds no segment in %2F alone; who reads it uses segment.
func (r *router) handle(o huma.Operation, handler func(w http.ResponseWriter, r *http.Request) error) {
	r.api.OpenAPI().AddOperation(&o)
	pattern := o.Method + " " + o.Path
	if strings.HasSuffix(pattern, "{id}") {
		pattern = strings.TrimSuffix(pattern, "}") + "...}"
	}
	r.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if err := handler(w, r); err != nil {
			writeProblem(w, answerOf(err))
		}
	})
}

// segment answers what a {name...} took, which must be one segment.
func segment(r *http.Request, name string) (string, error) {
	escaped := r.URL.EscapedPath()
	last, err := url.PathUnescape(escaped[strings.LastIndexByte(escaped, '/')+1:])
	if value := r.PathValue(name); err == nil && value == last && value != "" {
		return value, nil
	}
	return "", noPath()
}

func noPath() *api.Error {
	return problem(http.StatusNotFound, "there is nothing at this path", "names and ids are one percent-encoded segment; /docs lists all calls")
}

// pages are the static files and the paths they are served at.
func pages() map[string]string {
	return map[string]string{
		"/": "index.html", "/page.js": "page.js", "/events.js": "events.js", "/style.css": "style.css", "/icon.svg": "icon.svg",
		"/docs": "docs.html", "/docs.js": "docs.js",
	}
}

// openPaths are those that need no token.
func openPaths() map[string]bool {
	open := map[string]bool{healthPath: true, "/openapi.json": true}
	for path := range pages() {
		open[path] = true
	}
	return open
}

// unknownRoute answers 405 where another method would do, else 404.
func unknownRoute(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		writeProblem(w, noPath())
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	writeProblem(w, problem(http.StatusMethodNotAllowed, r.Method+" is not a call of this path", "use "+strings.Join(allowed, " or ")))
}

func (d *Daemon) getHealth(context.Context, *struct{}) (*healthAnswer, error) {
	a := &healthAnswer{AllowOrigin: "*", ResourcePolicy: "cross-origin"}
	a.Body.OK = true
	return a, nil
}

// healthAnswer tells any web page that the daemon is there, and nothing more.
type healthAnswer struct {
	AllowOrigin    string `header:"Access-Control-Allow-Origin"`
	ResourcePolicy string `header:"Cross-Origin-Resource-Policy"`
	Body           api.Health
}

// refused makes of an error what huma writes as it is. A nil error stays nil.
func refused(err error) error {
	var known *api.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return answerOf(err)
}
