package daemon

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
)

// Bounds of pairing.
const (
	askTime      = 10 * time.Minute // for a person to compare the code, and for the app to fetch its token
	maxAsking    = 3                // of one origin at once
	maxAskingAll = 24
	usedEvery    = 5 * time.Minute // between two notes of an app's last use on the disk
)

// codeLetters are 32 that are told apart by eye; codeLength of them are 40 bits.
const (
	codeLetters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	codeLength  = 8
)

// apps are the programs that were let in, and those that ask to be.
type apps struct {
	registry *localstore.Registry
	now      func() time.Time

	mu     sync.RWMutex
	let    map[string]*app // in, by id
	asking map[string]*asking
}

// app is a program that was let in.
type app struct {
	localstore.App
	grant grant
	token [sha256.Size]byte
	used  time.Time     // on the disk
	ended chan struct{} // closed when it is let out
}

// asking is a program that waits for a person, or for its token.
type asking struct {
	localstore.App
	code    string
	secret  [sha256.Size]byte
	ends    time.Time
	state   api.AppState
	fetched bool
}

func loadApps(registry *localstore.Registry, now func() time.Time) (*apps, error) {
	all := &apps{registry: registry, now: now, let: map[string]*app{}, asking: map[string]*asking{}}
	stored, err := registry.Apps()
	for _, entry := range stored {
		if one, err := letIn(entry); err == nil {
			all.let[entry.ID] = one
		}
	}
	return all, err
}

func letIn(entry localstore.App) (*app, error) {
	g, err := parseScopes(entry.Scopes)
	if err != nil {
		return nil, err
	}
	one := &app{App: entry, grant: g, used: entry.Used, ended: make(chan struct{})}
	sum, err := hex.DecodeString(entry.Token)
	if err != nil || len(sum) != len(one.token) {
		return nil, errors.New("no token")
	}
	copy(one.token[:], sum)
	return one, nil
}

// find answers the app of a token. How long it takes tells nothing of a token.
func (a *apps) find(token string) (found *app) {
	sum := sha256.Sum256([]byte(token))
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, one := range a.let {
		if subtle.ConstantTimeCompare(one.token[:], sum[:]) == 1 {
			found = one
		}
	}
	return found
}

// noteUse keeps when an app last called, on the disk only now and then.
func (a *apps) noteUse(one *app) {
	a.mu.Lock()
	one.Used = a.now()
	entry, due := one.App, one.Used.Sub(one.used) >= usedEvery
	if due {
		one.used = one.Used
	}
	_, in := a.let[one.ID]
	a.mu.Unlock()
	if due && in {
		_ = a.registry.PutApp(entry) // only the time of its last use would be lost
	}
}

// knowsOrigin tells whether the page of an origin was let in.
func (a *apps) knowsOrigin(origin string) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, one := range a.let {
		if one.Origin == origin {
			return true
		}
	}
	return false
}

// checkApp reads what an app says of itself.
func checkApp(name, origin string, scopes []string) error {
	if name == "" || len(name) > 80 || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return problem(http.StatusUnprocessableEntity, "the app's name is empty, longer than 80 bytes or not printable", "it is what the person sees")
	}
	if origin != "" && !isOrigin(origin) {
		return problem(http.StatusUnprocessableEntity, origin+" is no origin", "for example https://app.example, as the browser sends it; leave it out for a program")
	}
	if len(scopes) > 32 {
		return problem(http.StatusUnprocessableEntity, "more than 32 scopes", "a pattern such as photos/*:rw is for many buckets")
	}
	if _, err := parseScopes(scopes); err != nil {
		return problem(http.StatusUnprocessableEntity, err.Error(), "for example todos:rw, photos/*:r, or admin")
	}
	return nil
}

// isOrigin tells whether a text is an origin as browsers write it: scheme, host and port alone. null is none.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= 253 && u.Scheme != "" && u.Host != "" && text == u.Scheme+"://"+u.Host && text == strings.ToLower(text)
}

// ask takes down that a program asks to be let in.
func (a *apps) ask(name, origin string, scopes []string) (*asking, string, error) {
	if err := checkApp(name, origin, scopes); err != nil {
		return nil, "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drop()
	same := 0
	for _, other := range a.asking {
		if other.Origin == origin && other.state == api.AppPending {
			same++
		}
	}
	if same >= maxAsking || len(a.asking) >= maxAskingAll {
		return nil, "", problem(http.StatusTooManyRequests, "too many requests to be let in are waiting", "answer those that wait, or wait ten minutes: setlogger app list")
	}
	secret := randomToken()
	one := &asking{
		App:  localstore.App{ID: randomID(), Name: name, Origin: origin, Scopes: scopes, Created: a.now()},
		code: randomCode(), secret: sha256.Sum256([]byte(secret)), ends: a.now().Add(askTime), state: api.AppPending,
	}
	a.asking[one.ID] = one
	return one, secret, nil
}

// drop forgets what nobody answered in time; the caller holds the lock.
func (a *apps) drop() {
	now := a.now()
	maps.DeleteFunc(a.asking, func(_ string, one *asking) bool { return now.After(one.ends) })
}

// add lets a program in at once, and answers its token.
func (a *apps) add(name, origin string, scopes []string) (localstore.App, string, error) {
	if err := checkApp(name, origin, scopes); err != nil {
		return localstore.App{}, "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.admit(localstore.App{ID: randomID(), Name: name, Origin: origin, Scopes: scopes, Created: a.now()})
}

// admit gives an app its token, of which only the hash is kept; the caller holds the lock.
func (a *apps) admit(entry localstore.App) (localstore.App, string, error) {
	token := randomToken()
	sum := sha256.Sum256([]byte(token))
	entry.Token = hex.EncodeToString(sum[:])
	one, err := letIn(entry)
	if err == nil {
		err = a.registry.PutApp(entry)
	}
	if err != nil {
		return entry, "", err
	}
	a.let[entry.ID] = one
	return entry, token, nil
}

// poll answers how a request stands to who made it, and once its token.
func (a *apps) poll(id, secret string) (api.App, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drop()
	one, sum := a.asking[id], sha256.Sum256([]byte(secret))
	if one == nil || subtle.ConstantTimeCompare(one.secret[:], sum[:]) != 1 {
		return api.App{}, problem(http.StatusNotFound, "there is no such request to be let in", "it may be over: ask again with POST /v1/apps")
	}
	answer := one.view()
	answer.Code = ""
	if one.state == api.AppApproved && !one.fetched {
		_, token, err := a.admit(one.App)
		if err != nil {
			return api.App{}, err
		}
		one.fetched, answer.Token = true, token
	}
	return answer, nil
}

// approve lets the program in that asks under an id.
func (a *apps) approve(id string) (api.App, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drop()
	one := a.asking[id]
	if one == nil || one.state == api.AppDenied {
		return api.App{}, noApp()
	}
	one.state = api.AppApproved
	return one.view(), nil
}

// remove revokes an app at once, or denies one that asks.
func (a *apps) remove(id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if one := a.asking[id]; one != nil && !one.fetched {
		one.state = api.AppDenied
		return nil
	}
	in := a.let[id]
	if in == nil {
		return noApp()
	}
	if err := a.registry.RemoveApp(id); err != nil && !errors.Is(err, localstore.ErrMissing) {
		return err
	}
	delete(a.let, id)
	close(in.ended)
	return nil
}

func noApp() error {
	return problem(http.StatusNotFound, "there is no such app", "setlogger app list names them; a request is over after ten minutes")
}

// list answers those that ask first, then those that were let in, by name.
func (a *apps) list() api.Apps {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drop()
	all := api.Apps{Apps: []api.App{}}
	for _, one := range a.asking {
		if one.waits() {
			all.Apps = append(all.Apps, one.view())
		}
	}
	for _, one := range a.let {
		all.Apps = append(all.Apps, viewApp(one.App, api.AppActive))
	}
	slices.SortFunc(all.Apps, func(x, y api.App) int {
		return cmp.Or(cmp.Compare(x.State.Rank(), y.State.Rank()), cmp.Compare(x.Name, y.Name), cmp.Compare(x.ID, y.ID))
	})
	return all
}

// waiting counts those that ask, and those that were let in and have no token yet.
func (a *apps) waiting() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drop()
	n := 0
	for _, one := range a.asking {
		if one.waits() {
			n++
		}
	}
	return n
}

func (one *asking) waits() bool {
	return one.state == api.AppPending || one.state == api.AppApproved && !one.fetched
}

func (one *asking) view() api.App {
	v := viewApp(one.App, one.state)
	v.Code, v.Expires = one.code, &one.ends
	return v
}

func viewApp(entry localstore.App, state api.AppState) api.App {
	v := api.App{ID: entry.ID, Name: entry.Name, Origin: entry.Origin, Scopes: entry.Scopes, State: state, Created: entry.Created}
	if !entry.Used.IsZero() {
		v.Used = &entry.Used
	}
	return v
}

// randomToken has 256 bits.
func randomToken() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // it never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// randomCode is for a person to compare: ABCD-EFGH.
func randomCode() string {
	var b [codeLength]byte
	_, _ = rand.Read(b[:])
	for i := range b {
		b[i] = codeLetters[b[i]%byte(len(codeLetters))]
	}
	return string(b[:codeLength/2]) + "-" + string(b[codeLength/2:])
}
