package setlog

import (
	"bytes"
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

// signedFile are the members that files share which are one signed object: indexes, seen files and views.
type signedFile struct {
	Format    int    `json:"format"`
	Key       string `json:"key"`
	Kind      string `json:"kind"`
	MinReader int    `json:"min_reader"`
	Signature string `json:"signature,omitempty"`
}

func (f *signedFile) shared() *signedFile { return f }

// signedObject is what such a file holds.
type signedObject interface {
	shared() *signedFile
	signer() *string // its member that names who signs
}

// prefixOf is what a signature covers before the object.
func prefixOf(kind string) string { return "setlogger " + kind + "\n" }

// encodeSigned writes a file of a kind, signed by a key, which it names.
func encodeSigned(o signedObject, kind string, key ed25519.PrivateKey) ([]byte, error) {
	public, _ := key.Public().(ed25519.PublicKey)
	f := o.shared()
	*f = signedFile{Format: Format, Key: base64.StdEncoding.EncodeToString(public), Kind: kind, MinReader: MinReader}
	*o.signer() = WriterOf(public).String()
	unsigned, err := canonicalJSON(o)
	if err != nil {
		return nil, err
	}
	f.Signature = sign(prefixOf(kind), unsigned, key)
	data, err := canonicalJSON(o)
	if err == nil && len(data) >= MaxFile {
		err = fmt.Errorf("%w: a file of kind %s with %d bytes", ErrFile, kind, len(data))
	}
	if err != nil {
		return nil, err
	}
	return append(data, '\n'), nil
}

// decodeSigned reads what encodeSigned writes, and answers by which key it is signed.
func decodeSigned(data []byte, o signedObject, kind string) (ed25519.PublicKey, error) {
	text, ok := bytes.CutSuffix(data, []byte("\n"))
	if !ok || len(data) > MaxFile {
		return nil, fmt.Errorf("%w: it does not end in a line break", ErrFile)
	}
	if err := json.Unmarshal(text, o); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	f := o.shared()
	if f.Kind != kind {
		return nil, fmt.Errorf("%w: it is of kind %.20q", ErrFile, f.Kind)
	}
	if f.MinReader > Format {
		return nil, fmt.Errorf("%w: format %d needs reader %d, this is %d", ErrNewer, f.Format, f.MinReader, Format)
	}
	return readKey(prefixOf(kind), text, *o.signer(), f.Key, f.Signature)
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
