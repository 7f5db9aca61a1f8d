package daemon

import (
	"context"
	"net/http"

	"github.com/setlogger/setlogger/api"
)

// appRequest is the body of askApp, and what the browser says of the page that asks.
type appRequest struct {
	Origin string `header:"Origin" hidden:"true"`
	Body   api.AppRequest
}

// askApp takes down that an app asks to be let in; a caller who may do all lets it in at once.
func (d *Daemon) askApp(ctx context.Context, in *appRequest) (*answer[api.AppAsked], error) {
	wanted := in.Body
	who := callerOf(ctx)
	if wanted.Approve {
		if !who.grant.admin {
			return nil, problem(http.StatusForbidden, "only the owner lets an app in at once", "leave approve out: a person then compares the code")
		}
		entry, token, err := d.apps.add(wanted.Name, wanted.Origin, wanted.Scopes)
		if err != nil {
			return nil, refused(err)
		}
		granted := viewApp(entry, api.AppActive)
		granted.Token = token
		return &answer[api.AppAsked]{api.AppAsked{App: granted}}, nil
	}
	if wanted.Origin == "" {
		wanted.Origin = in.Origin
	}
	if wanted.Origin != in.Origin {
		return nil, problem(http.StatusForbidden, "the request does not come from a page of "+wanted.Origin, "leave origin out: the browser says it")
	}
	if !d.asks.Allow() {
		return nil, problem(http.StatusTooManyRequests, "too many requests to be let in", "wait some seconds")
	}
	one, secret, err := d.apps.ask(wanted.Name, wanted.Origin, wanted.Scopes)
	if err != nil {
		return nil, refused(err)
	}
	d.changed.ring()
	d.log.Info("an app asks to be let in", "name", one.Name, "origin", one.Origin, "code", one.code)
	return &answer[api.AppAsked]{api.AppAsked{App: one.view(), Secret: secret}}, nil
}

// appPath is the path of calls on one app.
type appPath struct {
	App string `path:"app" doc:"Id of the app"`
}

// appPoll is the path and the header of pollApp.
type appPoll struct {
	App    string `path:"app" doc:"Id of the app"`
	Secret string `header:"Setlogger-Secret" doc:"From the answer of POST /v1/apps"`
}

func (d *Daemon) pollApp(_ context.Context, in *appPoll) (*answer[api.App], error) {
	a, err := d.apps.poll(in.App, in.Secret)
	if err != nil {
		return nil, refused(err)
	}
	d.changed.ring()
	return &answer[api.App]{a}, nil
}

func (d *Daemon) listApps(context.Context, *struct{}) (*answer[api.Apps], error) {
	return &answer[api.Apps]{d.apps.list()}, nil
}

func (d *Daemon) approveApp(_ context.Context, in *appPath) (*answer[api.App], error) {
	a, err := d.apps.approve(in.App)
	if err != nil {
		return nil, refused(err)
	}
	d.changed.ring()
	d.log.Info("an app was approved", "name", a.Name, "origin", a.Origin, "scopes", a.Scopes)
	return &answer[api.App]{a}, nil
}

func (d *Daemon) removeApp(_ context.Context, in *appPath) (*struct{}, error) {
	defer d.changed.ring()
	return nil, refused(d.apps.remove(in.App))
}
