package setlog

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"
)

// Message is what goes through the channel of a share.
type Message struct {
	Sender  [8]byte // drawn by a device at each start, so that it passes over its own
	Ask     bool    // others are to tell again what log/ does not show yet
	Segment []byte  // a segment's file; empty, where nothing is asked: log/ has something new
}

// MessageOverhead is by how many bytes a sealed message is longer than its segment.
const MessageOverhead = 1 + nonceSize + tagSize + prefixSize

const (
	messageFormat = 1
	nonceSize     = 12
	tagSize       = 16
	prefixSize    = 8 + 1 // who sends it, and whether it asks
)

// SealMessage hides a message from all but those who know the share's id: whoever can read the share. It draws a nonce.
func SealMessage(share string, m Message, random io.Reader) ([]byte, error) {
	seal, err := messageSeal(share)
	if err != nil {
		return nil, err
	}
	sealed := make([]byte, 1+nonceSize, MessageOverhead+len(m.Segment))
	sealed[0] = messageFormat
	if _, err := io.ReadFull(random, sealed[1:]); err != nil {
		return nil, fmt.Errorf("seal a message: %w", err)
	}
	text := append(m.Sender[:], 0)
	if m.Ask {
		text[8] = 1
	}
	return seal.Seal(sealed, sealed[1:], append(text, m.Segment...), sealed[:1]), nil
}

// OpenMessage reads what SealMessage makes; it fails with ErrFile for what is changed, cut or of another share, and with
// ErrNewer for what a later version wrote. What the segment says is yet to be verified.
func OpenMessage(share string, sealed []byte) (Message, error) {
	if len(sealed) == 0 || len(sealed) > MaxFile {
		return Message{}, fmt.Errorf("%w: a message of %d bytes", ErrFile, len(sealed))
	}
	if sealed[0] != messageFormat {
		return Message{}, fmt.Errorf("%w: a message of format %d", ErrNewer, sealed[0])
	}
	seal, err := messageSeal(share)
	if err != nil {
		return Message{}, err
	}
	if len(sealed) < MessageOverhead {
		return Message{}, fmt.Errorf("%w: a message of %d bytes", ErrFile, len(sealed))
	}
	text, err := seal.Open(nil, sealed[1:1+nonceSize], sealed[1+nonceSize:], sealed[:1])
	if err != nil {
		return Message{}, fmt.Errorf("%w: a message that is not of this share", ErrFile)
	}
	m := Message{Ask: text[8] != 0, Segment: text[prefixSize:]}
	copy(m.Sender[:], text)
	return m, nil
}

// messageSeal is AES-256-GCM under a key made from a share's id by HKDF with SHA-256.
func messageSeal(share string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(share), nil, "setlogger message", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
