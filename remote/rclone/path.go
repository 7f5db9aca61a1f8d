package rclone

import (
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/fs/fspath"
)

// hidden stands for a secret.
const hidden = "***"

// localRoot answers the folder on this machine's disk that the path means, through remotes of the user's that are
// nothing but another name for it.
func localRoot(path string) (string, bool) {
	for range 8 { // an alias may name an alias; a circle ends here
		info, _, root, config, err := fs.ConfigFs(path)
		if err != nil {
			return "", false
		}
		switch info.Name {
		case "local":
			abs, err := filepath.Abs(filepath.FromSlash(root))
			return abs, err == nil
		case "alias":
			target, _ := config.Get("remote")
			if target == "" {
				return "", false
			}
			path = fspath.JoinRootPath(target, root)
		default:
			return "", false
		}
	}
	return "", false
}

// circular says whether a remote of the settings ends up at itself; to open it, rclone would recurse until the process
// dies.
func circular(path string) bool {
	for range 32 {
		info, _, _, config, err := fs.ConfigFs(path)
		if err != nil || info.Options.Get("remote") == nil {
			return false
		}
		path, _ = config.Get("remote")
	}
	return true
}

// Mask answers the path with the secrets in it hidden, for status and logs.
func Mask(path string) string {
	parsed, err := fspath.Parse(path)
	if err != nil {
		name, _, cut := strings.Cut(path, ",")
		if cut {
			return name + "," + hidden
		}
		return path
	}
	if len(parsed.Config) == 0 {
		return path
	}
	if place, ok := encryptedPlace(parsed); ok {
		return Mask(place)
	}
	var b strings.Builder
	b.WriteString(parsed.Name)
	options := optionsOf(parsed.Name)
	for _, key := range slices.Sorted(maps.Keys(parsed.Config)) {
		b.WriteString("," + key + "=" + quote(maskValue(options, key, parsed.Config[key])))
	}
	if strings.HasPrefix(parsed.Path, "//") {
		return b.String() + ":" + hidden // a value with "://" that lacks quotes: what should be options is the path
	}
	return b.String() + ":" + parsed.Path
}

// secrets answers the values that Mask hides, longest first, those inside of other paths too.
func secrets(path string) []string {
	parsed, err := fspath.Parse(path)
	if err != nil {
		return nil
	}
	var found []string
	options := optionsOf(parsed.Name)
	for key, value := range parsed.Config {
		switch masked := maskValue(options, key, value); {
		case masked == hidden:
			found = append(found, value)
		case masked != value:
			found = append(append(found, value), secrets(value)...)
		}
	}
	slices.SortFunc(found, func(a, b string) int { return len(b) - len(a) })
	return found
}

func maskValue(options fs.Options, key, value string) string {
	switch {
	case value == "":
		return ""
	case isSecret(options, key):
		return hidden
	case strings.Contains(value, "://"):
		if u, err := url.Parse(value); err == nil {
			return u.Redacted()
		}
		return hidden
	case strings.Contains(value, ","):
		return Mask(value)
	default:
		return value
	}
}

// isSecret goes by rclone's own marks, and by the key where they are missing. Where a server is and who asks is not
// hidden.
func isSecret(options fs.Options, key string) bool {
	if option := options.Get(key); option != nil {
		if option.IsPassword {
			return true
		}
		if option.Sensitive {
			return !slices.Contains([]string{"host", "user", "username", "domain", "email", "account", "url", "endpoint"}, key)
		}
	}
	for _, word := range []string{"pass", "secret", "token", "credential", "access_key", "sas", "auth", "cookie", "key_pem", "header"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	return key == "key"
}

// optionsOf answers the options of ":backend" or of a name in the settings.
func optionsOf(name string) fs.Options {
	kind, anonymous := strings.CutPrefix(name, ":")
	if !anonymous {
		kind, _ = fs.ConfigMap("", nil, name, configmap.Simple{}).Get("type")
	}
	info, err := fs.Find(kind)
	if err != nil {
		return nil
	}
	return info.Options
}

// quote follows rclone's connection strings.
func quote(value string) string {
	if strings.ContainsAny(value, `,:"'`) {
		return `"` + strings.ReplaceAll(value, `"`, `""`) + `"`
	}
	return value
}

// isObjectStore says whether the path leads to a place that asks for money by the request, through crypt and the like.
func isObjectStore(path string) bool {
	stores := []string{"s3", "b2", "google cloud storage", "azureblob", "swift", "oracleobjectstorage", "qingstor"}
	for range 8 { // as in localRoot
		info, _, _, config, err := fs.ConfigFs(path)
		if err != nil {
			return false
		}
		if slices.Contains(stores, info.Name) {
			return true
		}
		if info.Options.Get("remote") == nil {
			return false
		}
		path, _ = config.Get("remote")
	}
	return false
}
