package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote"
)

// waitTime is how long an answer may wait for a browser or for the place: less than callers and proxies wait.
const waitTime = 25 * time.Second

const setupsPath = "/v1/setups"

// setupID is the path of calls on one setup.
type setupID struct {
	Setup string `path:"setup" doc:"Id of the setup"`
}

func (d *Daemon) listKinds(context.Context, *struct{}) (*answer[api.SetupKinds], error) {
	all := api.SetupKinds{Kinds: []api.RemoteKind{}, Known: []api.KnownRemote{}}
	for _, k := range d.o.Setups.Kinds() {
		all.Kinds = append(all.Kinds, api.RemoteKind(k))
	}
	for _, k := range d.o.Setups.Known() {
		all.Known = append(all.Known, api.KnownRemote(k))
	}
	return &answer[api.SetupKinds]{all}, nil
}

func (d *Daemon) beginSetup(ctx context.Context, in *struct{ Body api.SetupStart }) (*answer[api.Setup], error) {
	wanted := in.Body
	if (wanted.Kind == "") == (wanted.Known == "") {
		return nil, problem(http.StatusUnprocessableEntity, "a setup has either a kind or a remote that is known", "GET /v1/setups lists both")
	}
	if r, err := d.remote(wanted.Name); err == nil {
		return nil, problem(http.StatusConflict, fmt.Sprintf("remote %s is another place: %s", r.name, d.o.Mask(r.path)), "choose another name, or remove that one first")
	}
	as := api.Remote{Name: wanted.Name, Encrypt: wanted.Encrypt, Key: wanted.Key, Notify: wanted.Notify}
	if _, err := wantedKey(as); err != nil {
		return nil, refused(err)
	}
	if err := d.checkChannel(as.Notify); err != nil {
		return nil, err
	}
	h := newHeldSetup(d.streams, remote.Wanted{Name: wanted.Name, Kind: wanted.Kind, Known: wanted.Known}, as)
	if err := d.ask(ctx, h); err != nil {
		h.end()
		return nil, err
	}
	if err := d.setups.add(h); err != nil {
		h.close()
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return &answer[api.Setup]{h.status()}, nil
}

// ask begins the questions, also anew.
func (d *Daemon) ask(ctx context.Context, h *heldSetup) error {
	flow, asked, err := d.o.Setups.Begin(ctx, h.wanted)
	if err != nil {
		return setupError(err)
	}
	h.flow, h.asked, h.test = flow, asked, nil
	return nil
}

func (d *Daemon) showSetup(_ context.Context, in *setupID) (*answer[api.Setup], error) {
	h, err := d.setups.lock(in.Setup)
	if err != nil {
		return nil, err
	}
	defer h.mu.Unlock()
	return &answer[api.Setup]{h.status()}, nil
}

// dropSetup ends a setup, and the answer that waits in it.
func (d *Daemon) dropSetup(_ context.Context, in *setupID) (*struct{}, error) {
	h := d.setups.take(in.Setup)
	if h == nil {
		return nil, noSetup()
	}
	h.close()
	if h.isKept() {
		return nil, noSetup() // its last answer was quicker: what that has named stays
	}
	return nil, nil //nolint:nilnil // 204 has no body
}

func (d *Daemon) answerSetup(ctx context.Context, in *struct {
	Setup string `path:"setup" doc:"Id of the setup"`
	Body  api.SetupAnswer
},
) (*answer[api.Setup], error) {
	h, err := d.setups.lock(in.Setup)
	if err != nil {
		return nil, err
	}
	defer h.mu.Unlock()
	again := in.Body == api.SetupAnswer{Question: api.VerdictQuestion, Answer: api.VerdictAgain} // at any time
	if in.Body.Question != h.asked.Name && !again {
		return nil, problem(http.StatusConflict, "the question that stands is "+h.asked.Name, "GET /v1/setups/{setup} tells it; answer that one")
	}
	h.prolong()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.life, cancel)()
	if again || h.test != nil {
		err = d.follow(ctx, h, in.Body.Answer)
	} else {
		err = d.hear(ctx, h, in.Body.Answer)
	}
	if err != nil {
		return nil, err
	}
	return &answer[api.Setup]{h.status()}, nil
}

// hear passes an answer on; after the last, the place is tried.
func (d *Daemon) hear(ctx context.Context, h *heldSetup, text string) error {
	waiting, cancel := context.WithTimeout(ctx, waitTime)
	defer cancel()
	next, err := h.flow.Answer(waiting, text)
	switch {
	case h.life.Err() != nil:
		return noSetup()
	case err != nil && next != nil:
		h.asked = next
	}
	if err != nil {
		return setupError(err)
	}
	if h.asked = next; next != nil {
		return nil
	}
	test := d.tryPlace(ctx, h.flow.Path())
	h.test, h.asked = &test, verdict()
	if test.OK {
		return d.keepSetup(ctx, h)
	}
	return nil
}

// tryPlace makes the folder and tests it, before the place is named.
func (d *Daemon) tryPlace(ctx context.Context, path string) api.RemoteTest {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	storage := d.o.Open(path)
	defer remote.Close(storage)
	test := &remoteTest{storage: storage, name: fmt.Sprintf("test.%d.txt", d.now().UnixNano())}
	if !test.step("make", func() error { return d.o.Make(ctx, path) }) {
		return api.RemoteTest{Steps: test.steps}
	}
	return test.run(ctx)
}

// verdict asks what becomes of a place whose test failed.
func verdict() *remote.Question {
	return &remote.Question{
		Name: api.VerdictQuestion, Help: "What now?", Only: true, Default: api.VerdictAgain, Required: true,
		Choices: []remote.Choice{
			{Value: api.VerdictAgain, Text: "Go through the questions again, with the answers given as defaults"},
			{Value: api.VerdictKeep, Text: "Name it all the same; it is tried again and again"},
			{Value: api.VerdictDrop, Text: "Give it up; nothing of it is kept"},
		},
	}
}

// follow does what the verdict says.
func (d *Daemon) follow(ctx context.Context, h *heldSetup, text string) error {
	switch text {
	case "", api.VerdictAgain:
		before := h.flow
		h.wanted.Before = before
		if err := d.ask(ctx, h); err != nil {
			return err
		}
		before.Close()
		return nil
	case api.VerdictKeep:
		return d.keepSetup(ctx, h)
	case api.VerdictDrop:
		d.over(h)
		return nil
	}
	return problem(http.StatusUnprocessableEntity, "this is no verdict", "answer again, keep or drop")
}

// keepSetup writes the answers down and names the place; both or neither.
func (d *Daemon) keepSetup(ctx context.Context, h *heldSetup) error {
	if h.life.Err() != nil {
		return noSetup() // given up while the place was tried
	}
	path, undo, err := h.flow.Keep()
	if err != nil {
		return setupError(err)
	}
	as := h.as
	as.Path = path
	added, err := d.addRemote(ctx, &struct{ Body api.Remote }{as})
	if err != nil {
		if h.life.Err() != nil {
			err = noSetup() // given up while the place was looked at
		}
		return errors.Join(err, undo())
	}
	h.remote = &added.Body
	d.over(h)
	return nil
}

// over ends a setup whose answer is under way.
func (d *Daemon) over(h *heldSetup) {
	d.setups.take(h.id)
	h.end()
	h.flow.Close()
	h.asked = nil
}

// noSetups are those of a daemon that has none.
func noSetups() remote.Setups {
	return remote.Setups{
		Kinds: func() []remote.Kind { return nil }, Known: func() []remote.Known { return nil },
		Begin: func(context.Context, remote.Wanted) (remote.Setup, *remote.Question, error) {
			return nil, nil, &remote.AnswerError{Text: "this daemon sets up no remotes by questions", Advice: "name it by its path: POST /v1/remotes"}
		},
	}
}

func noSetup() error {
	return problem(http.StatusNotFound, "there is no such setup", "it may be over: one ends a quarter of an hour after its last answer; begin anew")
}

// setupError says what a Setup refuses.
func setupError(err error) error {
	if wrong, ok := errors.AsType[*remote.AnswerError](err); ok {
		return problem(http.StatusUnprocessableEntity, wrong.Text, wrong.Advice)
	}
	switch {
	case errors.Is(err, remote.ErrSigningIn):
		return problem(http.StatusConflict, plain(err), "finish or give up the one that is signing in; it ends by itself after a quarter of an hour")
	case errors.Is(err, remote.ErrTaken):
		return problem(http.StatusConflict, plain(err), "choose another name, or take that remote from the list of those that rclone knows")
	case errors.Is(err, context.DeadlineExceeded):
		return problem(http.StatusBadGateway, "the service did not answer in time", "look at the network, then answer again")
	}
	return refused(err)
}
