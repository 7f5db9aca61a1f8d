//go:build !tray

package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestSaysHowToBuild(t *testing.T) {
	var stderr bytes.Buffer
	if code := run(t.Context(), nil, &stderr); code != exitFailed || !strings.Contains(stderr.String(), "-tags tray") {
		t.Errorf("exit %d, said %q", code, &stderr)
	}
}
