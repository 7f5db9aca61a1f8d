package daemon

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/memory"
)

// docCase is one example of the document: a call with its answer.
type docCase struct {
	call   *docCall
	name   string
	status int
	kind   string // content type of the answer, if it has one
	docExample
}

func (c docCase) String() string { return c.call.OperationID + " " + c.name }

// cases are the examples that are one call each, in the order that the document gives them.
func (d *document) cases(t *testing.T) []docCase {
	t.Helper()
	var all []docCase
	for _, call := range d.calls() {
		for status, response := range call.Responses {
			code, _ := strconv.Atoi(status) // default has references alone
			add := func(kind string, examples map[string]docExample) {
				for name, e := range examples {
					if e.Ref == "" {
						all = append(all, docCase{call, name, code, kind, e})
					}
				}
			}
			add("", response.Bare)
			for kind, media := range response.Content {
				add(kind, media.Examples)
			}
		}
	}
	slices.SortFunc(all, func(a, b docCase) int { return cmp.Compare(a.Order, b.Order) })
	return all
}

// story runs the examples of a document on one daemon.
type story struct {
	*served
	d       *document
	places  places
	given   map[string]string // what the daemon answered where the examples show something else, such as ids and tokens
	tokens  map[string]string // by scope
	run     map[string]bool   // by call and name
	checked map[string]bool   // calls whose refusals were seen
}

// TestExamples makes each call that the document shows, and compares the answers with those shown.
func TestExamples(t *testing.T) {
	s := newStory(t)
	for _, c := range s.d.cases(t) {
		before, after := s.stage(t, c)
		before()
		s.tell(t, c)
		after()
		if !s.checked[c.call.OperationID] && c.status < 300 && c.kind != "" || c.status == http.StatusNoContent {
			s.checked[c.call.OperationID] = true
			s.refuse(t, c)
		}
	}
	s.compareFailures(t)
	s.findUnrun(t)
}

func newStory(t *testing.T) *story {
	s := &story{places: places{all: map[string]remote.Storage{}}, given: map[string]string{}, run: map[string]bool{}, checked: map[string]bool{}}
	s.served = serveOptions(t, Options{
		Data: filepath.Join(t.TempDir(), "data"), Open: s.places.open, Make: func(context.Context, string) error { return nil }, Setups: cloudSetups(),
		Channels: channelsAt(startBroker(t).address()),
		Encrypt: func(path, folder, password, salt string) (string, error) {
			return path + "/" + folder + password + salt, nil
		},
	})
	s.d = s.document(t)
	s.tokens = map[string]string{adminScope: s.token, "": s.token}
	for scope, wide := range map[string]string{readScope: "*:r", writeScope: "*:rw", "other": "other:rw"} {
		added, err := s.client.AddApp(t.Context(), api.AppRequest{Name: "example", Scopes: []string{wide}})
		if err != nil {
			t.Fatal(err)
		}
		s.tokens[scope] = added.Token
	}
	return s
}

// channelsAt leads every address to one broker.
func channelsAt(address string) *Channels {
	c := channels()
	open := c.Open
	c.Open = func(ctx context.Context, _, subscriber string) (remote.Channel, error) {
		return open(ctx, address, subscriber)
	}
	return c
}

// places are remotes in memory that can all be away.
type places struct {
	away atomic.Bool
	mu   sync.Mutex
	all  map[string]remote.Storage
}

func (p *places) open(path string) remote.Storage {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all[path] == nil {
		p.all[path] = place{memory.New(), &p.away}
	}
	return p.all[path]
}

type place struct {
	*memory.Storage
	away *atomic.Bool
}

func (p place) List(ctx context.Context, folder string) iter.Seq2[remote.Object, error] {
	if p.away.Load() {
		return func(yield func(remote.Object, error) bool) { yield(remote.Object{}, remote.ErrUnreachable) }
	}
	return p.Storage.List(ctx, folder)
}

// stage brings about what some examples need, and puts it back.
func (s *story) stage(t *testing.T, c docCase) (before, after func()) {
	none := func() {}
	bringBack := func() { s.places.away.Store(false); s.syncAll(t) }
	switch c.String() {
	case "answerSetup last":
		return func() { s.places.away.Store(true) }, bringBack
	case "syncRemote unreachable", "compact unreachable":
		return func() { s.places.away.Store(true) }, bringBack
	case "status offline":
		return func() {
			s.places.away.Store(true)
			s.append(t, "todos", `{"type":"CREATE_NODE","id":"unsent"}`)
			_, _ = s.client.Sync(t.Context(), "") // fails
		}, bringBack
	case "leaveBucket waiting":
		return func() {
			s.places.away.Store(true)
			s.append(t, "todos", `{"type":"CREATE_NODE","id":"waiting"}`)
		}, bringBack
	case "beginSetup tooMany":
		return s.crowdSetups(t)
	case "askApp tooMany":
		return s.crowd(t)
	}
	return none, none
}

func (s *story) syncAll(t *testing.T) {
	t.Helper()
	if _, err := s.client.Sync(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
}

// crowd lets as many ask to be let in as may, and denies them later.
func (s *story) crowd(t *testing.T) (before, after func()) {
	var ids []string
	return func() {
			for len(ids) < maxAsking-1 { // one asks already
				asked, err := s.client.AskApp(t.Context(), api.AppRequest{Name: "x", Scopes: []string{"a:r"}})
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, asked.ID)
			}
		}, func() {
			for _, id := range ids {
				if err := s.client.RemoveApp(t.Context(), id); err != nil {
					t.Fatal(err)
				}
			}
		}
}

// crowdSetups begins as many setups as may be under way, and gives them up later.
func (s *story) crowdSetups(t *testing.T) (before, after func()) {
	t.Helper()
	var ids []string
	return func() {
			for len(ids) < maxSetups-1 { // one is under way already
				begun, err := s.client.BeginSetup(t.Context(), api.SetupStart{Name: "x", Kind: "webdav"})
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, begun.ID)
			}
		}, func() {
			for _, id := range ids {
				if err := s.client.DropSetup(t.Context(), id); err != nil {
					t.Fatal(err)
				}
			}
		}
}

// tell makes the call of one example, and compares the answer.
func (s *story) tell(t *testing.T, c docCase) {
	t.Helper()
	s.run[c.String()] = true
	if c.status == http.StatusSwitchingProtocols {
		socket, answer, err := s.dial(t, "", []string{api.StreamProtocol}, s.tokenOf(c))
		if err != nil || answer.StatusCode != c.status {
			t.Errorf("%s: %v", c, err)
			return
		}
		_ = socket.CloseNow()
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // for a stream that says too little
	defer cancel()
	answer, err := http.DefaultClient.Do(s.request(t, c).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	s.compare(t, c, answer)
}

// refuse makes the call of an example in the ways that many calls refuse, as far as the document says so of this one.
func (s *story) refuse(t *testing.T, c docCase) {
	t.Helper()
	for status, response := range c.call.Responses {
		for name, e := range response.Content[api.ProblemType].Examples {
			if e.Ref == "" {
				continue
			}
			code, _ := strconv.Atoi(status)
			refused := docCase{c.call, name, code, api.ProblemType, s.d.Components.Examples[name]}
			s.run[refused.String()] = true
			request := s.request(t, c)
			s.spoil(t, name, c, request)
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			s.compare(t, refused, answer)
			_ = answer.Body.Close()
		}
	}
}

// spoil makes a request one that is refused as an example of problems.json says.
func (s *story) spoil(t *testing.T, name string, c docCase, r *http.Request) {
	t.Helper()
	body := func(text string) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		r.Header.Set("Content-Type", "application/json")
	}
	switch name {
	case "forgedHost":
		r.Host = "evil.example"
	case "noToken":
		r.Header.Del("Authorization")
	case "noScope":
		lesser := map[string]string{readScope: "other", writeScope: readScope, adminScope: writeScope}
		r.Header.Set("Authorization", "Bearer "+s.tokens[lesser[c.call.Security[0]["token"][0]]])
	case "noBucket", "noRemote", "noApp", "noSetup":
		names := strings.NewReplacer("{bucket}", "nowhere", "{remote}", "nowhere", "{app}", "nowhere", "{setup}", "nowhere", "{id}", "milk")
		r.URL.Path = names.Replace(c.call.path)
	case "noJSON":
		body(`{"`)
	case "unknownMember":
		body(`{"colour":"red"}`)
	case "tooLarge":
		body(`{"name":"` + strings.Repeat("x", maxBody) + `"}`)
	case "otherForm":
		body("name=todos")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	default:
		t.Fatalf("no test brings %s about", name)
	}
}

// compareFailures compares what any call may fail with, which is not brought about here.
func (s *story) compareFailures(t *testing.T) {
	t.Helper()
	errs := map[string]error{"broken": localstore.ErrCorrupt, "stopping": localstore.ErrStopped, "full": localstore.ErrFull}
	for name := range s.d.Components.Responses["Failed"].Content[api.ProblemType].Examples {
		if errs[name] == nil {
			t.Errorf("no test brings %s about", name)
			continue
		}
		text, _ := json.Marshal(answerOf(errs[name]))
		shown := []json.RawMessage{s.d.Components.Examples[name].Value}
		if err := s.same(t, shown, []json.RawMessage{text}, []string{"components", "responses", "Failed", "content", api.ProblemType, "schema"}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		s.run[name] = true
	}
}

// findUnrun names each example of the document that was not run.
func (s *story) findUnrun(t *testing.T) {
	t.Helper()
	for name := range s.d.Components.Examples {
		used := s.run[name]
		for key := range s.run {
			used = used || strings.HasSuffix(key, " "+name)
		}
		if !used {
			t.Errorf("example %s is not run", name)
		}
	}
	for _, call := range s.d.calls() {
		var names []string
		add := func(examples map[string]docExample) {
			for name := range examples {
				names = append(names, name)
			}
		}
		for _, p := range call.Parameters {
			add(p.Examples)
		}
		if call.RequestBody != nil {
			for _, media := range call.RequestBody.Content {
				add(media.Examples)
			}
		}
		for _, response := range call.Responses {
			add(response.Bare)
			for _, media := range response.Content {
				add(media.Examples)
			}
		}
		for _, name := range names {
			if !s.run[call.OperationID+" "+name] {
				t.Errorf("example %s of %s is not run", name, call.OperationID)
			}
		}
	}
}
