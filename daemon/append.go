package daemon

import (
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// maxDrain is how many bytes are read and thrown away so that a sender hears why it was refused.
const maxDrain = 8 << 20

// appendActions appends what the body holds: one action or one transaction, or a stream of lines of them.
func (d *Daemon) appendActions(w http.ResponseWriter, r *http.Request) error {
	b, err := d.bucket(r.PathValue("bucket"))
	if err != nil {
		return err
	}
	if isLines(r) {
		return d.appendLines(w, r, b)
	}
	body, err := readBody(r)
	if err != nil {
		return bodyError(err)
	}
	request, err := requestOf(r, body)
	if err != nil {
		return err
	}
	receipts, err := b.append(r.Context(), request)
	if err != nil {
		return err
	}
	d.noteAppend(b)
	return writeJSON(w, appended(receipts[0]))
}

// requestOf reads the body and the conditions of one append. It overwrites the body.
func requestOf(r *http.Request, body []byte) (localstore.Request, error) {
	request := localstore.Request{Key: r.Header.Get("Idempotency-Key"), Body: sha256.Sum256(body)}
	if len(request.Key) > 255 {
		return request, problem(http.StatusBadRequest, "the Idempotency-Key has more than 255 bytes", "a UUID has 36")
	}
	match, err := oneTag(r.Header.Get("If-Match"))
	if err != nil {
		return request, err
	}
	request.IfMatch = match
	request.Actions, err = setlog.ParseActions(body)
	return request, err
}

// oneTag reads the rev of an If-Match header, with or without the quotes of an entity tag.
func oneTag(header string) (string, error) {
	tag := strings.TrimSpace(header)
	if strings.HasPrefix(tag, `"`) {
		tag = strings.TrimSuffix(tag[1:], `"`)
	}
	if strings.ContainsAny(tag, `"*, `) {
		return "", problem(http.StatusBadRequest, "If-Match is not one rev", `send the rev of the node, for example If-Match: "3-5f0c…"`)
	}
	return tag, nil
}

func appended(receipt localstore.Receipt) api.Appended {
	a := api.Appended{Writer: receipt.Writer.String(), Stamp: receipt.Stamp.String(), Revs: receipt.Revs}
	if receipt.Number != 0 {
		a.Number = &receipt.Number
	}
	if a.Revs == nil {
		a.Revs = map[string]string{}
	}
	return a
}

// maxTrusted is up to which length a body gets its memory before it comes.
const maxTrusted = 64 << 10

// readBody reads a whole body.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength < 0 || r.ContentLength > maxTrusted {
		return io.ReadAll(r.Body)
	}
	body := make([]byte, r.ContentLength)
	_, err := io.ReadFull(r.Body, body)
	return body, err
}

// bodyError says why a body could not be read to its end.
func bodyError(err error) error {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return err
	}
	return problem(http.StatusBadRequest, "the body broke off: "+err.Error(), "send it again, with an Idempotency-Key if it may have arrived")
}
