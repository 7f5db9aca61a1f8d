package rclone

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config"
	"github.com/rclone/rclone/fs/config/configfile"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/rclone/early"
)

// settings is rclone's own settings file, made safe for a service: rclone ends the process when it cannot read the
// file, and would write an empty one over it.
type settings struct {
	*configfile.Storage

	adding sync.Mutex // one change of the file at a time

	mu  sync.Mutex
	err error
}

// loadSettings installs the file at path, "" for the usual places.
func loadSettings(path string) (*settings, error) {
	if fromUser := early.ConfigPath(); path == "" {
		path = fromUser
	}
	if path != "" {
		if err := config.SetConfigPath(path); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrSettings, path, err)
		}
	}
	ci := fs.GetConfig(context.Background())
	ci.AskPassword = false
	// Whether the file is there is no news, nor that it is read again by what follows.
	level := ci.LogLevel
	ci.LogLevel = fs.LogLevelCritical
	defer func() { ci.LogLevel = level }()
	s := &settings{Storage: &configfile.Storage{}}
	config.SetData(s)
	_ = config.LoadedData() // cannot end the process: our Load answers no error that does
	return s, nil
}

// Load reads the file. A file that cannot be read looks like none, and problem tells.
func (s *settings) Load() error {
	err := s.Storage.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = nil
	if err != nil && !errors.Is(err, config.ErrorConfigFileNotFound) {
		s.err = fmt.Errorf("%w: %s: %w", ErrSettings, config.GetConfigPath(), err)
		return config.ErrorConfigFileNotFound
	}
	return err
}

// Save writes the file, unless it holds what could not be read.
func (s *settings) Save() error {
	if err := s.problem(); err != nil {
		return err
	}
	return s.Storage.Save()
}

// problem answers the error that stands. A file that was mended since is read again.
func (s *settings) problem() error {
	s.mu.Lock()
	err := s.err
	s.mu.Unlock()
	if err == nil {
		return nil
	}
	_ = s.Load() // its error is s.err
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// vacant refuses a name that a remote of the file has, or that it can't have.
func (s *settings) vacant(name string) error {
	if err := s.problem(); err != nil {
		return unwritable{err}
	}
	if err := checkName(name); err != nil {
		return err
	}
	if s.HasSection(name) {
		return fmt.Errorf("%w: rclone's settings have a remote %s", remote.ErrTaken, name)
	}
	return nil
}

// add writes a new remote into the file, which only its owner may read from then on.
func (s *settings) add(name, kind string, values map[string]string) error {
	s.adding.Lock()
	defer s.adding.Unlock()
	if err := s.vacant(name); err != nil {
		return err
	}
	if err := s.close(); err != nil {
		return err
	}
	s.SetValue(name, "type", kind)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		s.SetValue(name, key, values[key])
	}
	err := s.Save()
	if err == nil && !s.HasSection(name) {
		err = errors.New("another program changed it at the same moment")
	}
	if err != nil {
		s.DeleteSection(name)
		return unwritable{fmt.Errorf("%w: %s: %w", ErrSettings, config.GetConfigPath(), err)}
	}
	return nil
}

// unwritable says that the file can't take what was answered.
type unwritable struct{ error }

// Unwrap answers the cause.
func (u unwritable) Unwrap() error { return u.error }

// Hint says what to do.
func (unwritable) Hint() string {
	return "Look at rclone's settings file (rclone config file): this user must be able to write it, with room on its disk; set RCLONE_CONFIG_PASS if it is encrypted."
}

// close keeps others from reading the file, which rclone would leave open to them.
func (s *settings) close() error {
	path := config.GetConfigPath()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return nil // rclone makes it closed
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return unwritable{fmt.Errorf("%w: others may read %s: %w", ErrSettings, path, err)}
	}
	return nil
}

// drop takes a remote out of the file.
func (s *settings) drop(name string) error {
	s.adding.Lock()
	defer s.adding.Unlock()
	s.DeleteSection(name)
	return s.Save()
}

// setGlobals must run before the first remote is opened: the transport is made once, from these.
func setGlobals(ctx context.Context, userAgent string) {
	if userAgent == "" {
		userAgent = "setlogger"
	}
	ci := fs.GetConfig(context.WithoutCancel(ctx))
	ci.UserAgent = userAgent
	ci.LogLevel = fs.LogLevelNotice
	ci.LowLevelRetries = 1 // ours end with the context, and don't multiply
	ci.ConnectTimeout = fs.Duration(15 * time.Second)
	ci.Timeout = fs.Duration(60 * time.Second)
	ci.IgnoreChecksum = true // hashes differ by backend, and cost a reading on some; what was written is read back
	ci.NoUpdateModTime = true
	ci.MultiThreadStreams = 0
	for variable, value := range backendDefaults() {
		if _, ok := os.LookupEnv(variable); !ok {
			// A variable of this process, because it reaches the remotes inside of others too (S3 below crypt).
			_ = os.Setenv(variable, value)
		}
	}
}

// backendDefaults answers settings for small immutable files that are deleted for good; the user's environment wins.
func backendDefaults() map[string]string {
	return map[string]string{
		"RCLONE_S3_NO_CHECK_BUCKET":     "true", // no request to make the bucket
		"RCLONE_S3_NO_HEAD":             "true", // no HEAD after a PUT: a later listing checks
		"RCLONE_S3_NO_HEAD_OBJECT":      "true", // no HEAD before a GET, and none that takes an offline root for a file
		"RCLONE_GCS_NO_CHECK_BUCKET":    "true",
		"RCLONE_DROPBOX_BATCH_MODE":     "off",
		"RCLONE_SFTP_SET_MODTIME":       "false",
		"RCLONE_WEBDAV_PACER_MIN_SLEEP": "1ms", // a write is several requests there, and 10 ms between them adds up
		"RCLONE_SFTP_DISABLE_HASHCHECK": "true",
		"RCLONE_DRIVE_USE_TRASH":        "false",
		"RCLONE_PIKPAK_USE_TRASH":       "false",
		"RCLONE_ONEDRIVE_HARD_DELETE":   "true",
		"RCLONE_B2_HARD_DELETE":         "true",
		"RCLONE_JOTTACLOUD_HARD_DELETE": "true",
		"RCLONE_MEGA_HARD_DELETE":       "true",
		"RCLONE_YANDEX_HARD_DELETE":     "true",
		"RCLONE_DRIME_HARD_DELETE":      "true",
		"RCLONE_QUATRIX_HARD_DELETE":    "true",
		"RCLONE_SUGARSYNC_HARD_DELETE":  "true",
	}
}
