// Package servers starts real storage servers on loopback for tests, without rclone.
//
// The S3 server is a program of its own: go install github.com/versity/versitygw/cmd/versitygw@v1.8.0 into a folder
// on PATH, into $SETLOGGER_TEST_BIN, or into setlogger-test/bin below the user's cache folder. SFTP is the system's
// OpenSSH sshd. A test over a server whose program is missing is skipped by name; with SETLOGGER_TEST_REQUIRED=1 in
// the environment it fails instead, so that no skip goes unseen where all of them are installed.
package servers
