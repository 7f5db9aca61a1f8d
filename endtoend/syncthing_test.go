package endtoend

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
)

// syncthingDevice is one Syncthing, with a copy of the share's folder.
type syncthingDevice struct {
	Name, ID, Address, Folder string
	home                      string
}

// syncthingSettings keeps to the devices named, on this machine.
var syncthingSettings = template.Must(template.New("config.xml").Parse(`<configuration version="36">
<folder id="share" path="{{.Own.Folder}}" type="sendreceive" rescanIntervalS="60" fsWatcherEnabled="true" fsWatcherDelayS="1">
{{range .All}}<device id="{{.ID}}"></device>
{{end}}</folder>
{{range .All}}<device id="{{.ID}}" name="{{.Name}}"><address>tcp://{{.Address}}</address></device>
{{end}}<gui enabled="false"></gui>
<options>
<listenAddress>tcp://{{.Own.Address}}</listenAddress>
<globalAnnounceEnabled>false</globalAnnounceEnabled>
<localAnnounceEnabled>false</localAnnounceEnabled>
<relaysEnabled>false</relaysEnabled>
<natEnabled>false</natEnabled>
<reconnectionIntervalS>1</reconnectionIntervalS>
<startBrowser>false</startBrowser>
<urAccepted>-1</urAccepted>
<crashReportingEnabled>false</crashReportingEnabled>
<autoUpgradeIntervalH>0</autoUpgradeIntervalH>
</options>
</configuration>
`))

// syncthingItself is a folder that the program keeps the same on each of three devices.
func syncthingItself(t *testing.T) place {
	t.Helper()
	needProgram(t, "syncthing")
	var all []*syncthingDevice
	for i, name := range []string{"a", "b", "c"} {
		all = append(all, newSyncthing(t, name, i))
	}
	for _, d := range all {
		d.start(t, all)
	}
	return place{
		kind: "syncthing itself", settings: func() string { return "" }, fails: true,
		uploads: func() int { return len(filesBelow(t, all[1].Folder)) },
		folder:  func(device string) string { return all[device[0]-'a'].Folder },
		heal:    func() string { return "nothing but its own ways" },
	}
}

// newSyncthing makes the keys and the folder. Each listens on an address of its own, for all of 127/8 is this machine: a port
// that was free a moment ago may be another test's.
func newSyncthing(t *testing.T, name string, i int) *syncthingDevice {
	t.Helper()
	root := t.TempDir()
	d := &syncthingDevice{
		Name: name, Folder: filepath.Join(root, "share"), home: filepath.Join(root, "home"),
		Address: fmt.Sprintf("127.%d.%d.%d:22000", 64+os.Getpid()>>8%64, os.Getpid()%256, 1+i),
	}
	if err := os.MkdirAll(filepath.Join(d.Folder, ".stfolder"), 0o755); err != nil { // which it wants to see there
		t.Fatal(err)
	}
	d.run(t, "generate", "--no-default-folder", "--skip-port-probing", "--home="+d.home)
	d.ID = strings.TrimSpace(d.run(t, "--device-id", "--home="+d.home))
	return d
}

func (d *syncthingDevice) command(args ...string) *exec.Cmd {
	cmd := exec.Command("syncthing", args...)
	cmd.Env = append(os.Environ(), "STNODEFAULTFOLDER=1", "HOME="+d.home)
	return cmd
}

func (d *syncthingDevice) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := d.command(args...).Output()
	if err != nil {
		t.Fatalf("syncthing %v: %v: %s", args, err, out)
	}
	return string(out)
}

// start runs it until the test ends.
func (d *syncthingDevice) start(t *testing.T, all []*syncthingDevice) {
	t.Helper()
	var settings strings.Builder
	if err := syncthingSettings.Execute(&settings, map[string]any{"Own": d, "All": all}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.home, "config.xml"), []byte(settings.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := os.Create(filepath.Join(d.home, "output"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := d.command("serve", "--no-browser", "--no-restart", "--no-upgrade", "--home="+d.home)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = output.Close()
		if text, err := os.ReadFile(output.Name()); t.Failed() && err == nil {
			t.Logf("syncthing %s printed:\n%s", d.Name, text[max(0, len(text)-4000):])
		}
	})
}
