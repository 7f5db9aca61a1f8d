package installer

import (
	"fmt"
	"net"
	"os"
)

// Ready tells the service manager that the daemon answers now, by the protocol
// of sd_notify(3); until then, starting the service waits. Without such a manager
// it does nothing.
func Ready() error {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return nil
	}
	conn, err := net.Dial("unixgram", address)
	if err != nil {
		return fmt.Errorf("installer: tell the service manager: %w", err)
	}
	_, err = conn.Write([]byte("READY=1"))
	if closeErr := conn.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("installer: tell the service manager: %w", err)
	}
	return nil
}
