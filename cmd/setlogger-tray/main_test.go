package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/api"
)

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		arguments []string
		code      int
		says      string
	}{
		{[]string{"--help"}, exitOK, "-listen"},
		{[]string{"--frob"}, exitUsage, "frob"},
		{[]string{"extra"}, exitUsage, "too many"},
	} {
		var stderr bytes.Buffer
		if code := run(t.Context(), c.arguments, &stderr); code != c.code || !strings.Contains(stderr.String(), c.says) {
			t.Errorf("%v: exit %d, said %q", c.arguments, code, &stderr)
		}
	}
}

func TestPageAddress(t *testing.T) {
	data := t.TempDir()
	if _, err := (api.Options{Data: data}).Page(); err == nil {
		t.Error("a folder without a daemon has a page")
	}
	if err := os.WriteFile(filepath.Join(data, api.AddressFile), []byte("127.0.0.1:7999\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]api.Options{
		"http://127.0.0.1:7999/": {Data: data},
		"http://127.0.0.1:7373/": {Data: data, Address: "127.0.0.1:7373"},
		"http://[::1]:7373/":     {Address: "http://[::1]:7373/"},
	} {
		if got, err := o.Page(); got != want || err != nil {
			t.Errorf("%q, not %q (%v)", got, want, err)
		}
	}
}

func TestOpener(t *testing.T) {
	if got := opener("linux", "http://x/"); !slices.Equal(got, []string{"xdg-open", "http://x/"}) {
		t.Errorf("%v", got)
	}
}
