package installer

import (
	"fmt"
	"strings"
)

// description is the service in one line.
const description = "SetLogger, a local-first store that syncs Redux actions"

// Unit answers the systemd unit of s, whose Data and Executable must be set.
func (s Service) Unit() string {
	if s.User {
		return fmt.Sprintf(userUnit, description, s.commandLine())
	}
	return fmt.Sprintf(systemUnit, description, quote(s.Data), s.commandLine(),
		quote("HOME="+s.Data), quote("RCLONE_CONFIG="+s.Data+"/rclone.conf"), s.dataSettings())
}

// commandLine is the program and its arguments as ExecStart takes them.
func (s Service) commandLine() string {
	words := []string{quote(s.Executable)}
	for _, argument := range s.arguments() {
		words = append(words, quote(strings.ReplaceAll(argument, "$", "$$")))
	}
	return strings.Join(words, " ")
}

// dataSettings opens the data folder in the otherwise read-only file system.
func (s Service) dataSettings() string {
	if s.ownsStateDirectory() {
		return "StateDirectory=setlogger\nStateDirectoryMode=0700"
	}
	return "ReadWritePaths=" + quote(s.Data)
}

// ownsStateDirectory tells whether systemd itself makes the data folder.
func (s Service) ownsStateDirectory() bool { return s.Data == systemData }

// quote answers text as one word of a unit file (systemd.syntax(7)), with
// specifiers (%) switched off.
func quote(text string) string {
	text = strings.ReplaceAll(text, "%", "%%")
	if text != "" && !strings.ContainsAny(text, " \t'\"\\;") {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// systemUnit starts at boot. It is ordered after the network only to be stopped
// before it, for a last push; it does not wait for it. Local remotes may lie
// under /srv, /mnt and /media; elsewhere a drop-in opens the folder. The one
// capability left lets root write into folders of other users there, and run a
// program that lies in a private folder.
const systemUnit = `[Unit]
Description=%s
Documentation=https://github.com/setlogger/setlogger
After=network.target nss-lookup.target
RequiresMountsFor=%s
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=%s
Restart=always
RestartSec=2
RestartPreventExitStatus=2
TimeoutStopSec=7
KillMode=mixed
Environment=%s
Environment=%s

# What it may touch.
%s
ReadWritePaths=-/srv -/mnt -/media
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectProc=invisible

# What it may do.
NoNewPrivileges=yes
CapabilityBoundingSet=CAP_DAC_OVERRIDE
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`

// userUnit starts at login (or at boot, for a user who lingers). It has the
// hardening that a user's own manager can give without mount namespaces: the
// user's folders are what it is there to sync.
const userUnit = `[Unit]
Description=%s
Documentation=https://github.com/setlogger/setlogger
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=%s
Restart=always
RestartSec=2
RestartPreventExitStatus=2
TimeoutStopSec=7
KillMode=mixed
NoNewPrivileges=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native

[Install]
WantedBy=default.target
`
