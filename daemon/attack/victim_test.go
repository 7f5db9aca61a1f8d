package attack

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/daemon"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/disk"
)

const (
	secretBucket = "secrets" // what attackers are after
	secretNode   = "a"
	marker       = "what-nobody-else-may-read"
	otherBucket  = "other" // of the apps that have no scope for it

	pageOrigin  = "https://app.example"   // a page that was let in, to the other bucket
	otherOrigin = "https://notes.example" // another one
)

// victim is a running daemon with something to lose.
type victim struct {
	address, port string
	data          string
	tokens        map[string]string // by whose they are
	asker         string            // id of an app that asks to be let in, and must not be
	client        *api.Client       // of the owner, on the socket where there is one
	log           *journal
}

func start(t *testing.T) *victim {
	t.Helper()
	v := &victim{data: filepath.Join(t.TempDir(), "data"), tokens: map[string]string{}, log: &journal{}}
	run(t, v)
	var err error
	if v.client, err = api.NewClient(api.Options{Data: v.data}); err != nil {
		t.Fatal(err)
	}
	token, err := os.ReadFile(filepath.Join(v.data, api.TokenFile))
	if err != nil {
		t.Fatal(err)
	}
	v.tokens["owner"] = strings.TrimSpace(string(token))
	v.fill(t)
	return v
}

// run serves until the test ends.
func run(t *testing.T, v *victim) {
	t.Helper()
	ready, ended := make(chan daemon.Ready, 1), make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	options := daemon.Options{
		Data: v.data, Listen: "127.0.0.1:0", NoSync: true,
		Open:    func(path string) remote.Storage { return disk.New(path) },
		Make:    func(_ context.Context, path string) error { return disk.Make(path) },
		Encrypt: func(path, folder, _, _ string) (string, error) { return filepath.Join(path, folder), nil },
		Ready:   func(r daemon.Ready) { ready <- r },
		Logger:  slog.New(slog.NewTextHandler(v.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	go func() { ended <- daemon.Run(ctx, options) }()
	select {
	case r := <-ready:
		v.address = r.Address
	case err := <-ended:
		cancel()
		t.Fatalf("the daemon did not start: %v", err)
	}
	_, v.port, _ = net.SplitHostPort(v.address)
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the daemon ended with %v", err)
		}
	})
}

// fill makes the buckets, lets apps in, and leaves one asking.
func (v *victim) fill(t *testing.T) {
	t.Helper()
	for _, name := range []string{secretBucket, otherBucket} {
		if _, err := v.client.CreateBucket(t.Context(), api.Bucket{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	v.append(t, secretBucket, fmt.Sprintf(`{"type":"CREATE_NODE","id":%q,"properties":{"text":%q}}`, secretNode, marker))
	v.append(t, otherBucket, `{"type":"CREATE_NODE","id":"a","properties":{"text":"of the app"}}`)
	for whose, app := range map[string]api.AppRequest{
		"program": {Scopes: []string{otherBucket + ":rw", "todos/*:rw"}},
		"reader":  {Scopes: []string{secretBucket + ":r"}},
		"page":    {Scopes: []string{otherBucket + ":rw"}, Origin: pageOrigin},
		"notes":   {Scopes: []string{secretBucket + ":rw"}, Origin: otherOrigin},
		"revoked": {Scopes: []string{"admin"}},
	} {
		app.Name = whose
		v.tokens[whose] = v.admit(t, app).Token
	}
	asked, err := v.client.AskApp(t.Context(), api.AppRequest{Name: "asker", Scopes: []string{"admin"}})
	if err != nil {
		t.Fatal(err)
	}
	v.asker = asked.ID
	v.revoke(t, "revoked")
	if _, err := v.client.Sync(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
}

func (v *victim) append(t *testing.T, bucket, action string) {
	t.Helper()
	if _, err := v.client.Append(t.Context(), bucket, []byte(action), api.AppendOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (v *victim) admit(t *testing.T, app api.AppRequest) *api.AppAsked {
	t.Helper()
	granted, err := v.client.AddApp(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	return granted
}

func (v *victim) revoke(t *testing.T, name string) {
	t.Helper()
	all, err := v.client.Apps(t.Context())
	i := slices.IndexFunc(all, func(a api.App) bool { return a.Name == name })
	if err != nil || i < 0 {
		t.Fatalf("no app %s: %v", name, err)
	}
	if err := v.client.RemoveApp(t.Context(), all[i].ID); err != nil {
		t.Fatal(err)
	}
}

// state is all that an attacker could change, as the owner sees it. Requests to be let in are no change, save to the one that waits.
func (v *victim) state(t *testing.T) string {
	t.Helper()
	var all []string
	status, err := v.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range status.Buckets {
		all = append(all, fmt.Sprintf("bucket %s of %s: %d nodes, %d entries, %v", b.Name, b.Writer, b.Nodes, b.Entries, b.Remotes))
	}
	for _, r := range status.Remotes {
		all = append(all, fmt.Sprintf("remote %s at %s", r.Name, r.Path))
	}
	apps, err := v.client.Apps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range apps {
		if a.State == api.AppActive || a.ID == v.asker {
			all = append(all, fmt.Sprintf("app %s of %s %q: %v %s", a.ID, a.Name, a.Origin, a.Scopes, a.State))
		}
	}
	for _, name := range []string{secretBucket, otherBucket} {
		log, err := v.client.Log(t.Context(), name, "", 1000)
		data, _ := json.Marshal(log) // it came as JSON
		if err != nil {
			data = []byte(err.Error())
		}
		all = append(all, string(data))
	}
	return strings.Join(all, "\n")
}

// leak answers whose token a text holds, or a part of it that is long enough to help.
func (v *victim) leak(text string) string {
	for whose, token := range v.tokens {
		if strings.Contains(text, token[:len(token)/2]) || strings.Contains(text, token[len(token)/2:]) {
			return whose
		}
	}
	return ""
}

// socketClient calls through the unix socket, as the owner.
func (v *victim) socketClient(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "unix", filepath.Join(v.data, api.SocketFile))
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// journal keeps what the daemon logs.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

var _ io.Writer = (*journal)(nil)

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}
