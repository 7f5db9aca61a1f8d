package rclone

import (
	"testing"

	"github.com/setlogger/setlogger/remote/remotetest/servers"
)

// TestSFTP runs over the system's OpenSSH sshd.
func TestSFTP(t *testing.T) { conform(t, servers.SFTP(t)) }
