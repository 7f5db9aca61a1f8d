package encrypted

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/setlogger/setlogger/remote"
)

// Names at the place of an encrypted share.
const (
	Marker = "encrypted.json" // plain: says that the share is encrypted, and names its key
	Folder = "encrypted"      // all the share, below crypt
)

// Why a place is refused, before anything is written to it.
var (
	ErrWrongKey  = errors.New("encrypted: wrong key: the share there has another recovery key")
	ErrEncrypted = errors.New("encrypted: an encrypted share is there")
	ErrPlain     = errors.New("encrypted: a share is there that is not encrypted")
	ErrForeign   = errors.New("encrypted: the folder holds something else")
	ErrNewer     = errors.New("encrypted: a newer version encrypted the share")
	ErrDamaged   = errors.New("encrypted: " + Marker + " is damaged, so that the key of the share is not known")
)

// Place is where an encrypted share stands or is to stand.
type Place struct {
	Key   Key
	Outer remote.Storage // the place itself
	Inner remote.Storage // crypt by the key, laid over Folder
}

// format is that of Marker.
const format = 1

// marker is the content of Marker: the same from all devices, so that it may be written again.
type marker struct {
	Format    int    `json:"format"`
	Key       string `json:"key"`
	Kind      string `json:"kind"`
	MinReader int    `json:"min_reader"`
}

const markerKind = "encrypted"

// marker is what stands at the place.
func (p Place) marker() ([]byte, error) {
	data, err := json.Marshal(marker{Format: format, Key: p.Key.ID(), Kind: markerKind, MinReader: format})
	return append(data, '\n'), err
}

// Check answers nil where the key opens the share that is there, or nothing is there yet. It writes nothing.
func (p Place) Check(ctx context.Context) error {
	_, err := p.look(ctx)
	return err
}

// Claim is Check for a place where a share is about to be made or joined: it also names the key there. Once it has
// succeeded, no device with another key writes to the place.
func (p Place) Claim(ctx context.Context) error {
	marked, err := p.look(ctx)
	if err != nil || marked {
		return err
	}
	data, err := p.marker()
	if err != nil {
		return err
	}
	if err := p.Outer.Write(ctx, Marker, data); err != nil {
		return fmt.Errorf("name the key: %w", err)
	}
	switch id, err := p.marked(ctx); {
	case err != nil:
		return fmt.Errorf("read back the name of the key: %w", err)
	case id != p.Key.ID():
		return ErrWrongKey // another device made a share in this very moment
	}
	return nil
}

// look says whether a marker stands that is to stay. The marker is asked for by its name, which needs no listing: those of
// object stores lag. Where it is lost, or names a key by mistake, what the key opens proves the key.
func (p Place) look(ctx context.Context) (marked bool, err error) {
	id, markErr := p.marked(ctx)
	switch {
	case markErr == nil && id == p.Key.ID():
		return true, nil
	case markErr != nil && !errors.Is(markErr, remote.ErrNotExist) && !errors.Is(markErr, ErrDamaged):
		return false, markErr
	}
	held, err := holds(ctx, p.Outer, Folder)
	if err != nil {
		return false, err
	}
	if held { // else the folder may be missing, and crypt over it is unreachable
		opened, err := holds(ctx, p.Inner, "")
		if err != nil || opened {
			return id != "", err
		}
	}
	switch {
	case errors.Is(markErr, ErrDamaged):
		return false, markErr
	case held, id != "":
		return false, ErrWrongKey
	}
	return false, p.free(ctx)
}

// marked answers the id of the key that the place names. The beginning of the own marker, left by an upload that was cut, counts
// as none.
func (p Place) marked(ctx context.Context) (string, error) {
	own, err := p.marker()
	if err != nil {
		return "", err
	}
	data, err := p.Outer.Read(ctx, Marker)
	if err != nil {
		return "", err
	}
	if len(data) < len(own) && bytes.HasPrefix(own, data) {
		return "", remote.ErrNotExist
	}
	return parseMarker(data)
}

// reserve is a file of every plain share, which can be asked for without a listing.
const reserve = "reserve.bin"

// free answers why a place without an encrypted share is not empty.
func (p Place) free(ctx context.Context) error {
	switch _, err := p.Outer.Read(ctx, reserve); {
	case err == nil:
		return ErrPlain
	case !errors.Is(err, remote.ErrNotExist):
		return err
	}
	foreign := false
	for object, err := range p.Outer.List(ctx, "") {
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(object.Name, "share.") && strings.HasSuffix(object.Name, ".json"):
			return ErrPlain
		}
		foreign = foreign || object.Name != Marker
	}
	if foreign {
		return ErrForeign
	}
	for _, folder := range []string{"log", "past", "index", "chunk"} { // of a share that has lost its file
		switch there, err := holds(ctx, p.Outer, folder); {
		case err != nil:
			return err
		case there:
			return ErrPlain
		}
	}
	return nil
}

// CheckPlain answers ErrEncrypted where a plain share may not be made or joined, for an encrypted one is there.
func CheckPlain(ctx context.Context, place remote.Storage) error {
	held, err := holds(ctx, place, Folder)
	if err != nil {
		return err
	}
	_, err = place.Read(ctx, Marker) // by its name: the listing may lag
	switch {
	case held, err == nil:
		return ErrEncrypted
	case !errors.Is(err, remote.ErrNotExist):
		return err
	}
	return nil
}

// parseMarker answers the id of the key in a marker.
func parseMarker(data []byte) (string, error) {
	var m marker
	if err := json.Unmarshal(data, &m); err != nil || m.Kind != markerKind || m.Key == "" {
		return "", ErrDamaged
	}
	if m.MinReader > format {
		return "", ErrNewer
	}
	return m.Key, nil
}

// holds says whether files lie directly in a folder whose names devices give: what crypt with a wrong key makes of a name is not one.
func holds(ctx context.Context, place remote.Storage, folder string) (bool, error) {
	for object, err := range place.List(ctx, folder) {
		if err != nil {
			return false, err
		}
		if remote.CheckName(object.Name) == nil {
			return true, nil
		}
	}
	return false, nil
}
