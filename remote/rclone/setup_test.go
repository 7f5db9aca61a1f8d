package rclone

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rclone/rclone/fs/config"
	"github.com/rclone/rclone/fs/config/obscure"

	"github.com/setlogger/setlogger/remote"
)

// exchange is a setup in which each question is answered by its name.
type exchange struct {
	asked []*remote.Question
	setup remote.Setup
}

// play answers the questions of a setup, those that are not named by nothing, until none is left.
func play(t *testing.T, w remote.Wanted, answers map[string]string) *exchange {
	t.Helper()
	s, q, err := library.Begin(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	e := &exchange{setup: s}
	for q != nil {
		e.asked = append(e.asked, q)
		if q, err = s.Answer(t.Context(), answers[q.Name]); err != nil {
			t.Fatalf("%s: %v", e.asked[len(e.asked)-1].Name, err)
		}
	}
	return e
}

func (e *exchange) names() []string {
	var names []string
	for _, q := range e.asked {
		name := q.Name
		if q.Secret {
			name += "!"
		}
		names = append(names, name)
	}
	return names
}

// TestQuestions: each kind asks for what it needs, and no more.
func TestQuestions(t *testing.T) {
	folder := t.TempDir()
	for _, c := range []struct {
		wanted  remote.Wanted
		answers map[string]string
		asked   string
		path    string
	}{
		{
			remote.Wanted{Kind: "s3", Name: "x"},
			map[string]string{"provider": "Other", "access_key_id": "ID", "secret_access_key": "KEY,'x", "endpoint": "http://127.0.0.1:1", "folder": "bucket/x"},
			"provider access_key_id secret_access_key! region endpoint folder",
			`:s3,access_key_id='ID',endpoint='http://127.0.0.1:1',provider='Other',secret_access_key='KEY,''x':bucket/x`,
		},
		{
			remote.Wanted{Kind: "s3", Name: "x"},
			map[string]string{"provider": "AWS", "access_key_id": "ID", "secret_access_key": "KEY", "region": "eu-central-1", "folder": "b"},
			"provider access_key_id secret_access_key! region endpoint folder",
			`:s3,access_key_id='ID',provider='AWS',region='eu-central-1',secret_access_key='KEY':b`,
		},
		{
			remote.Wanted{Kind: "webdav", Name: "x"},
			map[string]string{"url": "https://nas.example/dav", "vendor": "nextcloud"},
			"url vendor user pass! folder",
			`:webdav,url='https://nas.example/dav',vendor='nextcloud':setlogger`,
		},
		{
			remote.Wanted{Kind: "sftp", Name: "x"},
			map[string]string{"host": "nas", "user": "ann", "port": "2222", "key_file": "/keys/ann", "folder": "/srv/x"},
			"host user port pass! key_file folder",
			`:sftp,host='nas',key_file='/keys/ann',port='2222',user='ann':/srv/x`,
		},
		{
			remote.Wanted{Kind: "smb", Name: "x"},
			map[string]string{"host": "nas", "user": "ann", "folder": "share/x"},
			"host user port pass! domain folder",
			`:smb,domain='WORKGROUP',host='nas',port='445',user='ann':share/x`,
		},
		{remote.Wanted{Kind: "local", Name: "x"}, map[string]string{"folder": folder}, "folder", folder},
		{remote.Wanted{Known: "nas", Name: "x"}, nil, "folder", "nas:setlogger"},
		{remote.Wanted{Kind: "memory", Name: "x"}, nil, "folder", ":memory:setlogger"}, // a kind that is not in the table
	} {
		e := play(t, c.wanted, c.answers)
		if got := strings.Join(e.names(), " "); got != c.asked {
			t.Errorf("%s asks %s", c.wanted.Kind, got)
		}
		if got := e.setup.Path(); got != c.path {
			t.Errorf("%s is %s", c.wanted.Kind, got)
		}
		for _, q := range e.asked {
			if q.Help == "" {
				t.Errorf("%s %s has no help", c.wanted.Kind, q.Name)
			}
		}
	}
}

// TestFirstOfSignIns: an own client id is asked for, then how to sign in.
func TestFirstOfSignIns(t *testing.T) {
	for kind, asked := range map[string]string{
		"dropbox": "client_id client_secret! sign_in", "onedrive": "region client_id client_secret! sign_in",
		"drive": "client_id client_secret! scope sign_in",
	} {
		s, q, err := library.Begin(t.Context(), remote.Wanted{Kind: kind, Name: "x"})
		if err != nil {
			t.Fatal(err)
		}
		e := &exchange{setup: s}
		for ; q.Name != "sign_in"; q, err = s.Answer(t.Context(), map[string]string{"client_id": "mine", "client_secret": "hush"}[q.Name]) {
			e.asked = append(e.asked, q)
		}
		e.asked = append(e.asked, q)
		if got := strings.Join(e.names(), " "); err != nil || got != asked {
			t.Errorf("%s asks %s, %v", kind, got, err)
		}
		if !strings.Contains(e.asked[slices.IndexFunc(e.asked, func(q *remote.Question) bool { return q.Name == "client_id" })].Help, ":53682/") {
			t.Errorf("%s does not tell where its sign-in comes back to", kind)
		}
		if q, err = s.Answer(t.Context(), "token"); err != nil || q.Name != "token" || !q.Secret || !strings.Contains(q.Help, `rclone authorize "`+kind+`" CLIENT_ID`) {
			t.Fatalf("%s: %+v, %v", kind, q, err)
		}
		stands, err := s.Answer(t.Context(), "no token")
		if known, ok := errors.AsType[*remote.AnswerError](err); !ok || known.Advice == "" || stands.Name != "token" {
			t.Errorf("%s: %+v, %v", kind, stands, err)
		}
		s.Close()
	}
}

// TestPastedToken: a token from another machine is kept as one that came by itself.
func TestPastedToken(t *testing.T) {
	e := play(t, remote.Wanted{Kind: "dropbox", Name: "pasted"}, map[string]string{"sign_in": "token", "token": `{"access_token":"T","token_type":"bearer","expiry":"0001-01-01T00:00:00Z"}`})
	path, undo, err := e.setup.Keep()
	if err != nil || path != "pasted:setlogger" {
		t.Fatal(path, err)
	}
	if token, _ := config.LoadedData().GetValue("pasted", "token"); !strings.Contains(token, `"access_token":"T"`) {
		t.Errorf("token %s", token)
	}
	again, q, err := library.Begin(t.Context(), remote.Wanted{Kind: "dropbox", Name: "again", Before: e.setup})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if q, err = again.Answer(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	if q.Name != "config_refresh_token" {
		t.Errorf("asks %s where a token is there", q.Name)
	}
	if q, err = again.Answer(t.Context(), "false"); err != nil || q.Name != "folder" {
		t.Errorf("%+v, %v", q, err)
	}
	if err := undo(); err != nil {
		t.Error(err)
	}
}

// TestKeep: nothing is written before Keep; then the file is its owner's alone, and undo takes the remote out again.
func TestKeep(t *testing.T) {
	if err := os.Chmod(settingF, 0o644); err != nil { //nolint:gosec // open, to see it closed
		t.Fatal(err)
	}
	before := settingsText(t)
	e := play(t, remote.Wanted{Kind: "webdav", Name: "kept"}, map[string]string{"url": "https://nas.example/dav", "vendor": "other", "user": "ann", "pass": "hush hush"})
	if settingsText(t) != before {
		t.Error("something was written before all was answered")
	}
	path, undo, err := e.setup.Keep()
	if err != nil || path != "kept:setlogger" {
		t.Fatal(path, err)
	}
	text := settingsText(t)
	if !strings.Contains(text, "[kept]\ntype = webdav\n") || strings.Contains(text, "hush hush") || !strings.Contains(text, "[nicknick]\n") {
		t.Errorf("settings:\n%s", text)
	}
	if kept, _ := config.LoadedData().GetValue("kept", "pass"); obscure.MustReveal(kept) != "hush hush" {
		t.Errorf("pass %s", kept)
	}
	if info, err := os.Stat(settingF); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, _, err := library.Begin(t.Context(), remote.Wanted{Kind: "webdav", Name: "kept"}); !errors.Is(err, remote.ErrTaken) {
		t.Errorf("a second one of the name: %v", err)
	}
	if _, _, err := e.setup.Keep(); !errors.Is(err, remote.ErrTaken) {
		t.Errorf("kept twice: %v", err)
	}
	if err := undo(); err != nil || settingsText(t) != before {
		t.Errorf("after undo: %v\n%s", err, settingsText(t))
	}
	if left, _ := filepath.Glob(settingF + "*"); len(left) != 1 {
		t.Errorf("left %v", left)
	}
}

func settingsText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(settingF)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestNotKept: what can't be written says so, and is not half there.
func TestNotKept(t *testing.T) {
	e := play(t, remote.Wanted{Kind: "memory", Name: "unkept"}, nil)
	folder := filepath.Dir(settingF)
	if err := os.Rename(folder, folder+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := e.setup.Keep()
	if !errors.Is(err, ErrSettings) || !strings.Contains(remote.Hint(err), "must be able to write it") {
		t.Errorf("kept: %v", err)
	}
	if err := errors.Join(os.Remove(folder), os.Rename(folder+".away", folder)); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(library.Remotes(), "unkept") {
		t.Error("it is there all the same")
	}
}

// TestBadAnswers are refused with what to do, and the question stands.
func TestBadAnswers(t *testing.T) {
	for _, c := range []struct {
		kind, question, answer string
		answers                map[string]string
	}{
		{"webdav", "url", "", nil},
		{"webdav", "url", "https://a\nb", nil},
		{"sftp", "port", "many", map[string]string{"host": "h"}},
		{"s3", "folder", "", map[string]string{"provider": "Other"}},
		{"local", "folder", "below", nil},
		{"local", "folder", "", nil},
	} {
		s, q, err := library.Begin(t.Context(), remote.Wanted{Kind: c.kind, Name: "x"})
		for err == nil && q.Name != c.question {
			q, err = s.Answer(t.Context(), c.answers[q.Name])
		}
		if err != nil {
			t.Fatal(err)
		}
		stands, err := s.Answer(t.Context(), c.answer)
		if known, ok := errors.AsType[*remote.AnswerError](err); !ok || known.Advice == "" || stands != q {
			t.Errorf("%s %s %q: %v", c.kind, c.question, c.answer, err)
		}
	}
	for _, w := range []remote.Wanted{{Kind: "nonsense", Name: "x"}, {Known: "nobody", Name: "x"}, {Kind: "memory", Name: "-x"}} {
		if _, _, err := library.Begin(t.Context(), w); err == nil || remote.Hint(err) == "" {
			t.Errorf("%+v: %v", w, err)
		}
	}
}

// TestAnswersAgain: a second run of the questions offers the answers of the first, secrets unseen.
func TestAnswersAgain(t *testing.T) {
	first := play(t, remote.Wanted{Kind: "webdav", Name: "x"}, map[string]string{"url": "https://nas.example/dav", "vendor": "other", "user": "ann", "pass": "hush", "folder": "deep"})
	second := play(t, remote.Wanted{Kind: "webdav", Name: "x", Before: first.setup}, map[string]string{"user": "bob"})
	if want := strings.Replace(first.setup.Path(), "'ann'", "'bob'", 1); second.setup.Path() != want {
		t.Errorf("%s, want %s", second.setup.Path(), want)
	}
	for _, q := range second.asked {
		if q.Default == "hush" || q.Secret != q.Kept || q.Name == "folder" && q.Default != "deep" {
			t.Errorf("%+v", q)
		}
	}
}

// TestKinds: those for most people come first, and every kind once.
func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for i, k := range library.Kinds() {
		if seen[k.Name] || k.Title == "" || k.Text == "" || i < len(kinds()) && k.Name != kinds()[i].Name {
			t.Errorf("kind %d: %+v", i, k)
		}
		seen[k.Name] = true
	}
	if len(seen) < 20 || !slices.Contains(library.Known(), remote.Known{Name: "nas", Kind: "webdav"}) {
		t.Errorf("%d kinds, known %v", len(seen), library.Known())
	}
}
