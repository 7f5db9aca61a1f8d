package daemon

import (
	"net"

	"golang.org/x/sys/unix"
)

// peerIs tells whether the process at the other end of the socket belongs to the user.
func peerIs(conn *net.UnixConn, uid int) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	same := false
	err = raw.Control(func(fd uintptr) {
		credentials, err := unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
		same = err == nil && int(credentials.Uid) == uid
	})
	return same && err == nil
}
