package daemon

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote"
)

// Bounds of setups.
const (
	setupTime = 15 * time.Minute // after the last answer
	maxSetups = 8
)

// setups are those under way, by id.
type setups struct {
	mu  sync.Mutex
	all map[string]*heldSetup
}

// heldSetup is a setup with what its caller sees of it.
type heldSetup struct {
	id     string
	wanted remote.Wanted
	as     api.Remote      // what the place becomes, less its path
	life   context.Context //nolint:containedctx // ends with the setup, not with a call
	end    context.CancelFunc
	timer  *time.Timer

	mu      sync.Mutex // one answer at a time
	flow    remote.Setup
	asked   *remote.Question // nil: it is over
	test    *api.RemoteTest  // the last, if it is what is asked about
	remote  *api.RemoteStatus
	expires time.Time
}

func newHeldSetup(ctx context.Context, w remote.Wanted, as api.Remote) *heldSetup {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	if ctx.Err() != nil {
		end()
	}
	return &heldSetup{id: randomID(), wanted: w, as: as, life: life, end: end}
}

// add holds a setup until it ends or nobody has answered for long.
func (s *setups) add(h *heldSetup) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) >= maxSetups {
		return problem(http.StatusTooManyRequests, "too many setups are under way", "finish or give up one of them; they end by themselves after a quarter of an hour")
	}
	if s.all == nil {
		s.all = map[string]*heldSetup{}
	}
	s.all[h.id] = h
	h.expires = time.Now().Add(setupTime)
	h.timer = time.AfterFunc(setupTime, func() {
		if s.take(h.id) != nil {
			h.close()
		}
	})
	return nil
}

// take takes a setup out; nil when there is none.
func (s *setups) take(id string) *heldSetup {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.all[id]
	delete(s.all, id)
	if h != nil {
		h.timer.Stop()
	}
	return h
}

// lock answers a setup with its mutex held, once the answer before is done.
func (s *setups) lock(id string) (*heldSetup, error) {
	s.mu.Lock()
	h := s.all[id]
	s.mu.Unlock()
	if h == nil {
		return nil, noSetup()
	}
	h.mu.Lock()
	if h.life.Err() != nil {
		h.mu.Unlock()
		return nil, noSetup()
	}
	return h, nil
}

// close ends all of them.
func (s *setups) close() {
	s.mu.Lock()
	all := s.all
	s.all = nil
	s.mu.Unlock()
	for _, h := range all {
		h.timer.Stop()
		h.close()
	}
}

// close ends the setup, first of all the answer that waits in it.
func (h *heldSetup) close() {
	h.end()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.flow.Close()
}

// isKept tells whether the place was named.
func (h *heldSetup) isKept() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.remote != nil
}

// prolong puts off the end of the setup; its mutex is held.
func (h *heldSetup) prolong() {
	if h.timer.Stop() { // else it ends right now
		h.timer.Reset(setupTime)
		h.expires = time.Now().Add(setupTime)
	}
}

// status is what the caller sees; the mutex is held.
func (h *heldSetup) status() api.Setup {
	s := api.Setup{ID: h.id, Name: h.wanted.Name, Expires: h.expires, Test: h.test, Remote: h.remote}
	if h.asked == nil {
		return s
	}
	q := &api.SetupQuestion{
		Name: h.asked.Name, Help: h.asked.Help, Only: h.asked.Only, Default: h.asked.Default, Required: h.asked.Required,
		Secret: h.asked.Secret, Kept: h.asked.Kept, Folder: h.asked.Folder, Address: h.asked.Address,
	}
	for _, c := range h.asked.Choices {
		q.Choices = append(q.Choices, api.SetupChoice(c))
	}
	s.Question = q
	return s
}
