package daemon

import (
	"context"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore/schema"
)

// showSchema answers the JSON Schema of a bucket.
func (d *Daemon) showSchema(_ context.Context, in *bucketName) (*answer[api.Schema], error) {
	b, err := d.bucket(in.Bucket)
	if err != nil {
		return nil, err
	}
	return &answer[api.Schema]{api.Schema{Schema: b.Schema()}}, nil
}

// violations are what a schema does not allow, as the API says it.
func violations(found []schema.Violation) []api.Violation {
	all := make([]api.Violation, len(found))
	for i, v := range found {
		all[i] = api.Violation{Path: v.Path, Reason: v.Reason}
	}
	return all
}
