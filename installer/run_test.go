//go:build unix

package installer

import (
	"context"
	"errors"
	"syscall"
	"testing"
)

func TestRunEndsOnSignal(t *testing.T) {
	err := Service{}.Run(t.Context(), func(ctx context.Context) error {
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRunAnswersWhatServeAnswers(t *testing.T) {
	want := errors.New("address in use")
	if err := (Service{}).Run(t.Context(), func(context.Context) error { return want }); !errors.Is(err, want) {
		t.Fatalf("answered %v", err)
	}
}
