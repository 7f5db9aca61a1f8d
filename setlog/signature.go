package setlog

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// canonicalJSON writes a value as canonical JSON.
func canonicalJSON(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	value := jsontext.Value(text)
	err = value.Canonicalize()
	return value, err
}

// sign answers the signature over a prefix, which tells kinds of files apart, and an object without its signature.
func sign(prefix string, unsigned []byte, key ed25519.PrivateKey) string {
	return base64.StdEncoding.EncodeToString(ed25519.Sign(key, append([]byte(prefix), unsigned...)))
}

// readKey verifies the signature of an object that is a whole file, and that its writer is that of its key.
func readKey(prefix string, text []byte, writer, key, signature string) (ed25519.PublicKey, error) {
	public, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(public) != ed25519.PublicKeySize || WriterOf(public).String() != writer {
		return nil, fmt.Errorf("%w: it names no writer that its key makes", ErrFile)
	}
	return public, checkSignature(prefix, text, public, signature)
}

// checkSignature verifies the signature of an object: over all that it says beside, be it known to this version or not.
func checkSignature(prefix string, text []byte, key ed25519.PublicKey, signature string) error {
	unsigned, err := withoutSignature(text)
	if err != nil {
		return err
	}
	signed, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || !ed25519.Verify(key, append([]byte(prefix), unsigned...), signed) {
		return fmt.Errorf("%w: its signature is not by %s", ErrFile, WriterOf(key))
	}
	return nil
}

// withoutSignature answers the canonical text without that member; others that this version does not know stay.
func withoutSignature(text []byte) ([]byte, error) {
	if !isCanonicalObject(text) {
		return nil, fmt.Errorf("%w: it is no canonical JSON object", ErrFile)
	}
	unsigned := []byte{'{'}
	for m := range members(text) {
		if string(m.name) != `"signature"` {
			unsigned = append(append(append(appendComma(unsigned), m.name...), ':'), m.value...)
		}
	}
	return append(unsigned, '}'), nil
}
