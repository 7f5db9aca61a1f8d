package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/localstore/schema"
	"github.com/setlogger/setlogger/replica"
	"github.com/setlogger/setlogger/setlog"
)

func (d *Daemon) showBucket(_ context.Context, in *bucketName) (*answer[api.BucketShown], error) {
	b, err := d.bucket(in.Bucket)
	if err != nil {
		return nil, err
	}
	return d.shownBucket(b)
}

func (d *Daemon) shownBucket(b *heldBucket) (*answer[api.BucketShown], error) {
	indexes, err := b.indexes()
	if err != nil {
		return nil, refused(err)
	}
	shown := api.BucketShown{BucketStatus: d.bucketStatus(b), Settings: settingsOf(b.Schema()), Indexes: indexes}
	if b.Settings().Publish {
		shown.View = replica.ViewFile(b.Name())
	}
	return &answer[api.BucketShown]{shown}, nil
}

// settingsOf answers the settings in a schema as they were set, an empty object where there are none.
func settingsOf(document []byte) json.RawMessage {
	settings := members(members(document)[schema.SettingsName])
	text, _ := json.Marshal(settings) // it was JSON
	return text
}

// members reads an object; what is none has no members.
func members(text []byte) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	if json.Unmarshal(text, &all) != nil || all == nil {
		return map[string]json.RawMessage{}
	}
	return all
}

// bucketChange is the path and body of changeBucket.
type bucketChange struct {
	Bucket string `path:"bucket" doc:"Name of the bucket, percent-encoded as one segment"`
	Body   api.BucketChange
}

// changeBucket changes a bucket's settings, on all devices: by a SET_SCHEMA like any other.
func (d *Daemon) changeBucket(ctx context.Context, in *bucketChange) (*answer[api.BucketShown], error) {
	b, err := d.bucket(in.Bucket)
	if err != nil {
		return nil, err
	}
	if in.Body.Remotes != nil {
		if err := d.setRemotes(ctx, b, in.Body.Remotes); err != nil {
			return nil, err
		}
		if in.Body.Settings == nil {
			return d.shownBucket(b)
		}
	}
	b.setting.Lock()
	defer b.setting.Unlock()
	changed, err := withSettings(b.Schema(), in.Body.Settings)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(settingsOf(changed), settingsOf(b.Schema())) {
		return d.shownBucket(b)
	}
	actions, err := setlog.ParseActions([]byte(`{"type":"SET_SCHEMA","schema":` + string(changed) + `}`))
	if err != nil {
		return nil, refused(err)
	}
	if _, err := b.append(ctx, localstore.Request{Actions: actions}); err != nil {
		return nil, refused(err)
	}
	d.noteAppend(b)
	return d.shownBucket(b)
}

// withSettings answers a schema whose settings are changed by a merge patch (RFC 7396). Settings are not nested, so that each
// member is either replaced or, by null, left out.
func withSettings(document, patch json.RawMessage) ([]byte, error) {
	var wanted map[string]json.RawMessage
	if json.Unmarshal(patch, &wanted) != nil || wanted == nil {
		return nil, problem(http.StatusUnprocessableEntity, "settings is no object", `for example {"settings":{"order":["-created","id"]}}; null takes one of them away`)
	}
	whole := members(document)
	settings := members(whole[schema.SettingsName])
	for name, value := range wanted {
		if string(value) == "null" {
			delete(settings, name)
		} else {
			settings[name] = value
		}
	}
	delete(whole, schema.SettingsName)
	if len(settings) > 0 {
		text, err := json.Marshal(settings)
		if err != nil {
			return nil, err
		}
		whole[schema.SettingsName] = text
	}
	return json.Marshal(whole)
}
