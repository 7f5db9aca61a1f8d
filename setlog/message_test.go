package setlog_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

const shareOfMessages = "00112233445566778899aabbccddeeff"

func sealedMessage(t testing.TB, share string, m setlog.Message) []byte {
	t.Helper()
	data, err := setlog.SealMessage(share, m, bytes.NewReader(bytes.Repeat([]byte{7}, 12)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestMessages(t *testing.T) {
	for _, segment := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("segment"), 1000)} {
		m := setlog.Message{Sender: [8]byte{1, 2, 3}, Ask: len(segment) == 1, Segment: segment}
		data := sealedMessage(t, shareOfMessages, m)
		if len(data) != setlog.MessageOverhead+len(segment) {
			t.Errorf("%d bytes for a segment of %d", len(data), len(segment))
		}
		back, err := setlog.OpenMessage(shareOfMessages, data)
		if err != nil || back.Sender != m.Sender || back.Ask != m.Ask || !bytes.Equal(back.Segment, segment) {
			t.Errorf("it came back as %v, %v", back, err)
		}
	}
}

// TestMessageFormat pins the bytes of docs/format.md.
func TestMessageFormat(t *testing.T) {
	got := hex.EncodeToString(sealedMessage(t, shareOfMessages, setlog.Message{Sender: [8]byte{1}, Segment: []byte("segment")}))
	if want := goldenMessage; got != want {
		t.Errorf("a message is\n%s, want\n%s", got, want)
	}
}

// goldenMessage was also made by another implementation of HKDF and AES-GCM.
const goldenMessage = "01070707070707070707070707e47d6b828e8eb62238b1d4a01ec4b4ee816f86416bd53343626f5747b182c279"

func TestMessagesOfOthers(t *testing.T) {
	data := sealedMessage(t, shareOfMessages, setlog.Message{Segment: []byte("segment")})
	if bytes.Contains(data, []byte("segment")) {
		t.Error("it can be read")
	}
	if _, err := setlog.OpenMessage(strings.Repeat("0", 32), data); !errors.Is(err, setlog.ErrFile) {
		t.Errorf("that of another share was opened: %v", err)
	}
	for i := range data {
		bad := bytes.Clone(data)
		bad[i] ^= 1
		if _, err := setlog.OpenMessage(shareOfMessages, bad); err == nil {
			t.Errorf("byte %d was changed and it was opened", i)
		}
		if _, err := setlog.OpenMessage(shareOfMessages, data[:i]); err == nil {
			t.Errorf("cut at %d it was opened", i)
		}
	}
	data[0]++
	if _, err := setlog.OpenMessage(shareOfMessages, data); !errors.Is(err, setlog.ErrNewer) {
		t.Errorf("one of a later version: %v", err)
	}
}
