package rclone

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/rclone/rclone/fs"
)

func TestLog(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(&handler{next: slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo})})
	answered := context.WithValue(t.Context(), answered{}, true)
	log.Log(t.Context(), fs.SlogLevelNotice, "noticed", "object", ":s3,secret_access_key=SECRET:b", "other", "x")
	log.Error("retried")
	log.Log(t.Context(), fs.SlogLevelCritical, "serious")
	log.Debug("detail")
	log.Log(t.Context(), fs.SlogLevelNotice, undecryptable+" file name: bad padding")
	log.ErrorContext(answered, "told already")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{
		`level=INFO msg=rclone text=noticed object=":s3,secret_access_key=***:b"`,
		`level=WARN msg=rclone text=retried`,
		`level=ERROR msg=rclone text=serious`,
	} {
		if i >= len(lines) || !strings.HasSuffix(lines[i], want) {
			t.Errorf("line %d of\n%s\nwant %s", i, out.String(), want)
		}
	}
	if len(lines) != 3 {
		t.Errorf("%d lines:\n%s", len(lines), out.String())
	}
}
