package rclone

import (
	"cmp"
	"slices"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config"
	"github.com/rclone/rclone/lib/oauthutil"

	"github.com/setlogger/setlogger/remote"
)

// kind is a kind of place with what a person is asked for it.
type kind struct {
	remote.Kind
	asks     []string // names of rclone's options, in the order of the questions
	must     []string // of these, what can't be left out although rclone lets it
	redirect string   // where the sign-in comes back to; who has a client id of their own registers it
	folder   remote.Question
}

// kinds are those for most people. Of rclone's options, those are asked without which the place can't be reached, and an
// own client id.
func kinds() []kind {
	client := []string{config.ConfigClientID, config.ConfigClientSecret}
	inside := remote.Question{Help: "Folder there for what is synced. It is made where it is missing.", Default: "setlogger", Required: true}
	return []kind{
		{
			Kind:     remote.Kind{Name: "dropbox", Title: "Dropbox", Text: "A folder of your Dropbox; you sign in with a browser."},
			asks:     client,
			redirect: oauthutil.RedirectLocalhostURL, folder: inside,
		},
		{
			Kind:     remote.Kind{Name: "drive", Title: "Google Drive", Text: "A folder of your Google Drive; you sign in with a browser."},
			asks:     append(slices.Clone(client), "scope"),
			redirect: oauthutil.RedirectURL, folder: inside,
		},
		{
			Kind:     remote.Kind{Name: "onedrive", Title: "OneDrive", Text: "A folder of Microsoft OneDrive or SharePoint; you sign in with a browser."},
			asks:     append([]string{"region"}, client...),
			redirect: oauthutil.RedirectLocalhostURL, folder: inside,
		},
		{
			Kind:   remote.Kind{Name: "s3", Title: "S3", Text: "A bucket of Amazon S3, or of another service or server that speaks S3."},
			asks:   []string{"provider", "access_key_id", "secret_access_key", "region", "endpoint"},
			must:   []string{"provider"},
			folder: remote.Question{Help: "The bucket, which must be there, and a folder in it: bucket/setlogger.", Required: true},
		},
		{
			Kind:   remote.Kind{Name: "webdav", Title: "WebDAV, Nextcloud", Text: "A folder of a Nextcloud, an ownCloud or another WebDAV server."},
			asks:   []string{"url", "vendor", "user", "pass"},
			folder: inside,
		},
		{
			Kind: remote.Kind{Name: "sftp", Title: "SFTP", Text: "A folder of a machine that you reach by SSH."},
			asks: []string{"host", "user", "port", "pass", "key_file"},
			folder: remote.Question{
				Help:    "Folder there for what is synced: absolute, or below the home of the user. It is made where it is missing.",
				Default: "setlogger", Required: true,
			},
		},
		{
			Kind:   remote.Kind{Name: "smb", Title: "SMB", Text: "A folder that a Windows machine, a NAS or Samba shares."},
			asks:   []string{"host", "user", "port", "pass", "domain"},
			folder: remote.Question{Help: "The share, and a folder in it: share/setlogger.", Required: true},
		},
		{
			Kind: remote.Kind{Name: localKind, Title: "A folder", Text: "A folder of this machine: a second disk, a mounted drive, or one that another program syncs."},
			folder: remote.Question{
				Help: "The folder, absolute or below your home (~/…). It is made where it is missing.", Required: true, Folder: true,
			},
		},
	}
}

// localKind needs no remote in the settings: its path is the folder.
const localKind = "local"

// kindOfName answers how a kind is asked for, ones beside the table too; not ok when rclone has none of this name.
func kindOfName(name string) (kind, *fs.RegInfo, bool) {
	info, err := fs.Find(name)
	if err != nil {
		return kind{}, nil, false
	}
	for _, k := range kinds() {
		if k.Name == name {
			return k, info, true
		}
	}
	other := kind{
		Kind:   remote.Kind{Name: info.Name, Title: info.Name, Text: info.Description},
		folder: remote.Question{Help: "Folder there for what is synced. Some kinds take a bucket first: bucket/setlogger.", Default: "setlogger", Required: true},
	}
	for _, o := range info.Options {
		if !o.Advanced && o.Hide&fs.OptionHideConfigurator == 0 && !slices.Contains(other.asks, o.Name) {
			other.asks = append(other.asks, o.Name)
		}
	}
	return other, info, true
}

// Kinds answers what can be set up: those for most people, then all others of rclone's by name.
func (l *Library) Kinds() []remote.Kind {
	var first, others []remote.Kind
	for _, k := range kinds() {
		if _, err := fs.Find(k.Name); err == nil {
			first = append(first, k.Kind)
		}
	}
	for _, info := range fs.Registry {
		named := func(k remote.Kind) bool { return k.Name == info.Name }
		if !info.Hide && !slices.ContainsFunc(first, named) {
			others = append(others, remote.Kind{Name: info.Name, Title: info.Name, Text: info.Description})
		}
	}
	slices.SortFunc(others, func(a, b remote.Kind) int { return cmp.Compare(a.Name, b.Name) })
	return append(first, others...)
}

// Known answers the remotes of the user's settings, by name.
func (l *Library) Known() []remote.Known {
	var all []remote.Known
	for _, r := range config.GetRemotes() {
		all = append(all, remote.Known{Name: r.Name, Kind: r.Type})
	}
	slices.SortFunc(all, func(a, b remote.Known) int { return cmp.Compare(a.Name, b.Name) })
	return all
}
