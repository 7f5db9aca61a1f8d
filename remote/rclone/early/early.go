// Package early runs before rclone's own start-up and keeps it from making a folder in the user's home.
//
// rclone's config package, while it is initialised, makes ~/.config/rclone unless RCLONE_CONFIG is set. Go initialises
// ready packages in the order of their import paths; this one needs os alone, and rclone's needs net/http, which comes
// later in that order ("g" before "n"). So a placeholder set here is there in time. A test holds this to be so.
package early

import "os"

const variable = "RCLONE_CONFIG"

// placeholder is rclone's own word for "no file".
const placeholder = "notfound"

var placed = place()

func place() bool {
	if _, ok := os.LookupEnv(variable); ok {
		return false
	}
	return os.Setenv(variable, placeholder) == nil
}

// ConfigPath answers what the user's RCLONE_CONFIG says, "" when it is not set, and takes the placeholder away.
func ConfigPath() string {
	if placed && os.Getenv(variable) == placeholder {
		_ = os.Unsetenv(variable)
		return ""
	}
	return os.Getenv(variable)
}
