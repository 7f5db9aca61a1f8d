package rclone

import (
	"maps"
	"slices"
	"strings"

	"github.com/rclone/rclone/fs/config/obscure"
	"github.com/rclone/rclone/fs/fspath"
)

// cryptOptions are all that decide what crypt writes: given with the path, or a variable of the environment, such as
// RCLONE_CRYPT_NO_DATA_ENCRYPTION, would have a say. Names are in base32, for remotes that fold case.
func cryptOptions() map[string]string {
	return map[string]string{
		"filename_encryption": "standard", "directory_name_encryption": "true", "filename_encoding": "base32", "suffix": ".bin",
		"no_data_encryption": "false", "pass_bad_blocks": "false", "show_mapping": "false", "strict_names": "false", "server_side_across_configs": "false",
	}
}

// Encrypted answers the path of crypt, by a password and a salt, laid over a folder of a path. It holds secrets: Mask shows
// the path alone.
func Encrypted(path, folder, password, salt string) (string, error) {
	options := cryptOptions()
	options["remote"] = fspath.JoinRootPath(path, folder) + "/"
	for key, secret := range map[string]string{"password": password, "password2": salt} {
		obscured, err := obscure.Obscure(secret)
		if err != nil {
			return "", err
		}
		options[key] = obscured
	}
	var b strings.Builder
	b.WriteString(":crypt")
	for _, key := range slices.Sorted(maps.Keys(options)) {
		b.WriteString("," + key + "=" + quote(options[key]))
	}
	return b.String() + ":", nil
}

// encryptedPlace answers the path in one that Encrypted made.
func encryptedPlace(p fspath.Parsed) (string, bool) {
	if p.Name != ":crypt" || p.Path != "" || len(p.Config) != len(cryptOptions())+3 {
		return "", false
	}
	for key, value := range cryptOptions() {
		if p.Config[key] != value {
			return "", false
		}
	}
	return strings.TrimSuffix(p.Config["remote"], "/"), true
}
