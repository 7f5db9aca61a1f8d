package remote_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/remote"
)

func TestCheckName(t *testing.T) {
	long := strings.Repeat("a", 255)
	for name, good := range map[string]bool{
		"a": true, "log/a.jsonl.gz": true, "share.abc.json": true, "view/b/0-1": true, long: true,
		"": false, "/a": false, "a/": false, "a//b": false, ".": false, "..": false, "a/../b": false, ".a": false, "a.": false,
		"A": false, "a b": false, "a_b": false, "ä": false, "a\\b": false, "a:b": false, "a\x00": false, long + "a": false, "log/a.partial": false,
	} {
		err := remote.CheckName(name)
		if (err == nil) != good || (err != nil && !errors.Is(err, remote.ErrName)) {
			t.Errorf("CheckName(%q) = %v, want good=%v", name, err, good)
		}
	}
	if remote.CheckFolder("") != nil || remote.CheckFolder("log") != nil || remote.CheckFolder("../x") == nil {
		t.Error("CheckFolder")
	}
	if remote.Join("", "a") != "a" || remote.Join("b", "a") != "b/a" {
		t.Error("Join")
	}
}

type ownHint struct{ error }

func (ownHint) Hint() string { return "own" }

func TestHint(t *testing.T) {
	for _, err := range []error{
		remote.ErrFull, remote.ErrDenied, remote.ErrBusy, remote.ErrUnreachable, remote.ErrTooLarge, remote.ErrName, remote.ErrNotExist,
		remote.ErrExpired, remote.ErrVanished, remote.ErrTwins, remote.ErrNoTopic,
	} {
		if remote.Hint(fmt.Errorf("tried: %w", err)) == "" {
			t.Errorf("no hint for %v", err)
		}
	}
	if got := remote.Hint(fmt.Errorf("tried: %w", ownHint{remote.ErrFull})); got != "own" {
		t.Errorf("own hint lost: %q", got)
	}
	if remote.Hint(nil) != "" || remote.Hint(errors.New("x")) != "" {
		t.Error("a hint out of nothing")
	}
}
