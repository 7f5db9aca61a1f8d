//go:build slim && !channels

package notify_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/remote/notify"
)

// TestSlimSaysWhatItLacks is of builds that leave out the services whose clients take long to compile.
func TestSlimSaysWhatItLacks(t *testing.T) {
	for _, address := range []string{"kafka://ada:secret@host/topic", "kafkas://host/topic", "azuresb://my.servicebus.windows.net/topic", "gcppubsub://my-project/share", "awssnssqs://eu-central-1/share"} {
		scheme, _, _ := strings.Cut(address, ":")
		_, err := notify.Open(t.Context(), address, deviceA)
		var e *notify.AddressError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), "this build has no "+scheme) || !strings.Contains(e.Hint(), "channels") {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}
