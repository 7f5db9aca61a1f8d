package encrypted

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrMistyped says that a text is no recovery key: it has a typing error, or a part is missing.
var ErrMistyped = errors.New("encrypted: mistyped recovery key")

// Key is the recovery key of an encrypted share: 160 random bits. Who has it reads all of the share, who lacks it nothing. The
// zero Key is none. It prints as stars: Text answers what a person keeps.
type Key struct{ secret [secretSize]byte }

const (
	secretSize = 20
	checkSize  = 4 // letters of the checksum: 20 bits
	textSize   = secretSize*8/5 + checkSize
	groupSize  = 6
)

// letters are Crockford's: no I, L, O and U, which are taken for others.
var letters = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// NewKey makes a key of what a source of random bytes gives.
func NewKey(random io.Reader) (Key, error) {
	var k Key
	if _, err := io.ReadFull(random, k.secret[:]); err != nil {
		return Key{}, fmt.Errorf("make a recovery key: %w", err)
	}
	return k, nil
}

// ParseKey reads what Text wrote: in small letters too, with or without hyphens and spaces, and with O for 0, I or L for 1. All
// else is ErrMistyped, so is one wrong letter, or two that have changed places.
func ParseKey(text string) (Key, error) {
	plain := plainText(text)
	if len(plain) != textSize {
		return Key{}, fmt.Errorf("%w: it has %d letters and digits of %d", ErrMistyped, len(plain), textSize)
	}
	secret, err := letters.DecodeString(plain[:textSize-checkSize])
	if err != nil {
		return Key{}, fmt.Errorf("%w: it has a letter or sign that no key has", ErrMistyped)
	}
	k := Key{[secretSize]byte(secret)}
	if subtle.ConstantTimeCompare([]byte(k.check()), []byte(plain[textSize-checkSize:])) != 1 {
		return Key{}, fmt.Errorf("%w: a letter is another, or two have changed places", ErrMistyped)
	}
	return k, nil
}

// plainText is what is read of a text that a person typed.
func plainText(text string) string {
	return strings.NewReplacer("-", "", " ", "", "\t", "", "\n", "", "\r", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(text))
}

// EndsWith says whether a person has typed the last group of the key's text.
func (k Key) EndsWith(group string) bool {
	text := k.Text()
	return plainText(group) == text[len(text)-groupSize:]
}

// IsZero says that there is no key.
func (k Key) IsZero() bool { return k == Key{} }

// Equal compares two keys in constant time.
func (k Key) Equal(other Key) bool {
	return subtle.ConstantTimeCompare(k.secret[:], other.secret[:]) == 1
}

// Text is the key as a person keeps it: six groups of six letters and digits, joined by hyphens.
func (k Key) Text() string {
	plain := letters.EncodeToString(k.secret[:]) + k.check()
	groups := make([]string, 0, textSize/groupSize)
	for at := 0; at < textSize; at += groupSize {
		groups = append(groups, plain[at:at+groupSize])
	}
	return strings.Join(groups, "-")
}

// check is the last letters of the text.
func (k Key) check() string {
	sum := sha256.Sum256(append([]byte("setlogger recovery key 1"), k.secret[:]...))
	return letters.EncodeToString(sum[:])[:checkSize]
}

// Format hides the key from logs and errors, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "***") }

// ID names the key and tells nothing about it: 16 letters and digits.
func (k Key) ID() string { return strings.ToLower(letters.EncodeToString(k.derive("id", 10))) }

// Crypt answers the password and the salt (password2) of rclone's crypt.
func (k Key) Crypt() (password, salt string) {
	return hex.EncodeToString(k.derive("password", 32)), hex.EncodeToString(k.derive("salt", 32))
}

// derive is HKDF-SHA256 (RFC 5869) without a salt: the key is random.
func (k Key) derive(what string, size int) []byte {
	out, err := hkdf.Key(sha256.New, k.secret[:], nil, "setlogger encrypted share 1: "+what, size)
	if err != nil {
		panic(err) // of a size that is too large alone
	}
	return out
}
