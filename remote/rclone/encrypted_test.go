package rclone

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rclone/rclone/fs/rc"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/encrypted"
	"github.com/setlogger/setlogger/remote/faulty"
	"github.com/setlogger/setlogger/remote/remotetest/servers"
)

// safe is a place of the tests with the folder that holds its files.
type safe struct {
	path, folder string
}

func safes(t *testing.T) map[string]safe {
	t.Helper()
	disk := servers.Disk(t)
	folder := t.TempDir()
	bucket := filepath.Join(folder, "share")
	if err := os.Mkdir(bucket, 0o755); err != nil {
		t.Fatal(err)
	}
	address := serve(t, rc.Params{"type": "s3", "fs": folder, "addr": "127.0.0.1:0", "auth_key": []string{"AKID1234,SECRET1234"}})
	return map[string]safe{
		"disk": {disk.Path, disk.Folder},
		"s3":   {`:s3,provider=Rclone,access_key_id=AKID1234,secret_access_key=SECRET1234,endpoint="http://` + address + `":share/my, "folder"`, filepath.Join(bucket, `my, "folder"`)},
	}
}

// open answers the place as a device with a key sees it, and the path of the encryption.
func (s safe) open(t *testing.T, key encrypted.Key) (encrypted.Place, string) {
	t.Helper()
	password, salt := key.Crypt()
	inner, err := Encrypted(s.path, encrypted.Folder, password, salt)
	if err != nil {
		t.Fatal(err)
	}
	return encrypted.Place{Key: key, Outer: library.Open(s.path), Inner: library.Open(inner)}, inner
}

func newKey(t *testing.T) encrypted.Key {
	t.Helper()
	key, err := encrypted.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// files answers all that lies in the folder, by name.
func (s safe) files(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(s.folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, s.folder)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// put claims the place and writes a file.
func (s safe) put(t *testing.T, key encrypted.Key) encrypted.Place {
	t.Helper()
	place, inner := s.open(t, key)
	err := place.Claim(t.Context())
	if err == nil {
		err = library.Make(t.Context(), inner)
	}
	if err == nil {
		err = place.Inner.Write(t.Context(), "log/name", []byte("the content"))
	}
	if err == nil {
		err = place.Inner.Write(t.Context(), "share.json", []byte("the share"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return place
}

// TestEncrypted plays what may happen to a place with real encryption, on a disk and on an object store.
func TestEncrypted(t *testing.T) {
	for name, s := range safes(t) {
		t.Run(name, func(t *testing.T) {
			key := newKey(t)
			place := s.put(t, key)
			files := s.files(t)
			for name, data := range files {
				if strings.Contains(name, "log") || strings.Contains(name, "name") || strings.Contains(name, "share.json") || strings.Contains(data, "the ") {
					t.Errorf("%s shows something: %q", name, data)
				}
			}
			if len(files) != 3 {
				t.Errorf("%d files", len(files))
			}
			again, _ := s.open(t, key)
			if data, err := again.Inner.Read(t.Context(), "log/name"); err != nil || string(data) != "the content" || again.Check(t.Context()) != nil {
				t.Errorf("opened again: %q, %v", data, err)
			}
			wrong, _ := s.open(t, newKey(t))
			refuse(t, wrong, encrypted.ErrWrongKey)
			if err := encrypted.CheckPlain(t.Context(), wrong.Outer); !errors.Is(err, encrypted.ErrEncrypted) {
				t.Errorf("a plain share: %v", err)
			}
			if err := place.Outer.Remove(t.Context(), encrypted.Marker); err != nil {
				t.Fatal(err)
			}
			refuse(t, wrong, encrypted.ErrWrongKey) // the names there are not its own
			if err := encrypted.CheckPlain(t.Context(), wrong.Outer); !errors.Is(err, encrypted.ErrEncrypted) {
				t.Errorf("a plain share beside one without its marker: %v", err)
			}
			if err := again.Claim(t.Context()); err != nil { // which brings it back
				t.Error(err)
			}
			if !maps.Equal(s.files(t), files) {
				t.Error("the files are others than before")
			}
		})
	}
}

// refuse makes sure that a key is refused and writes nothing, whatever listings and damage show.
func refuse(t *testing.T, p encrypted.Place, want error) {
	t.Helper()
	for _, err := range []error{p.Check(t.Context()), p.Claim(t.Context())} {
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

// TestEncryptedBehindALaggingListing: no listing shows the share yet, and a wrong key is told all the same.
func TestEncryptedBehindALaggingListing(t *testing.T) {
	for name, s := range safes(t) {
		t.Run(name, func(t *testing.T) {
			s.put(t, newKey(t))
			files := s.files(t)
			wrong, _ := s.open(t, newKey(t))
			wrong.Outer = faulty.New(wrong.Outer, faulty.Options{Chance: map[faulty.Fault]float64{faulty.Empty: 1}})
			refuse(t, wrong, encrypted.ErrWrongKey)
			if err := encrypted.CheckPlain(t.Context(), wrong.Outer); !errors.Is(err, encrypted.ErrEncrypted) {
				t.Errorf("a plain share: %v", err)
			}
			for _, fault := range []faulty.Fault{faulty.HTML, faulty.Zeros} { // and a marker that is read wrongly is no empty place
				wrong.Outer = faulty.New(library.Open(s.path), faulty.Options{Chance: map[faulty.Fault]float64{faulty.Empty: 0.5, fault: 1}})
				if err := errors.Join(wrong.Check(t.Context()), wrong.Claim(t.Context())); !errors.Is(err, encrypted.ErrDamaged) {
					t.Errorf("%v: %v", fault, err)
				}
			}
			if !maps.Equal(s.files(t), files) {
				t.Error("something was written")
			}
		})
	}
}

// TestEncryptedWhereOthersAre: a plain share and a folder of something else are refused by name.
func TestEncryptedWhereOthersAre(t *testing.T) {
	for _, c := range []struct {
		file string
		want error
	}{
		{"share.0123.json", encrypted.ErrPlain}, {"log/x", encrypted.ErrPlain}, {"chunk/x", encrypted.ErrPlain}, {"reserve.bin", encrypted.ErrPlain}, {"photo.jpg", encrypted.ErrForeign},
	} {
		s := safe{path: filepath.Join(t.TempDir(), "x")}
		s.folder = s.path
		if err := library.Make(t.Context(), s.path); err != nil {
			t.Fatal(err)
		}
		if err := library.Open(s.path).Write(t.Context(), c.file, []byte("x")); err != nil {
			t.Fatal(err)
		}
		place, _ := s.open(t, newKey(t))
		refuse(t, place, c.want)
		if len(s.files(t)) != 1 {
			t.Errorf("beside %s: %v", c.file, s.files(t))
		}
		if err := encrypted.CheckPlain(t.Context(), place.Outer); err != nil {
			t.Errorf("a plain share beside %s: %v", c.file, err)
		}
	}
}

// TestEncryptedClaimEndsHalfWay: a marker that was cut in the upload is written again by its own key, and by no other.
func TestEncryptedClaimEndsHalfWay(t *testing.T) {
	s := safe{path: filepath.Join(t.TempDir(), "x")}
	s.folder = s.path
	if err := library.Make(t.Context(), s.path); err != nil {
		t.Fatal(err)
	}
	place, _ := s.open(t, newKey(t))
	storage := faulty.New(place.Outer, faulty.Options{})
	storage.Script(faulty.Once{Fault: faulty.BrokenUpload, At: 40}, faulty.Once{Fault: faulty.LostAnswer})
	cut := place
	cut.Outer = storage
	if err := cut.Claim(t.Context()); !errors.Is(err, remote.ErrUnreachable) {
		t.Fatal(err)
	}
	other, _ := s.open(t, newKey(t))
	refuse(t, other, encrypted.ErrDamaged)
	if err := cut.Claim(t.Context()); !errors.Is(err, remote.ErrUnreachable) { // it stands, and the answer is lost
		t.Fatal(err)
	}
	refuse(t, other, encrypted.ErrWrongKey)
	if err := cut.Claim(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestEncryptedWhateverTheEnvironment: no variable of rclone's has a say in what is encrypted.
func TestEncryptedWhateverTheEnvironment(t *testing.T) {
	for option, value := range map[string]string{
		"NO_DATA_ENCRYPTION": "true", "FILENAME_ENCRYPTION": "off", "DIRECTORY_NAME_ENCRYPTION": "false", "FILENAME_ENCODING": "base64", "SUFFIX": ".x", "PASS_BAD_BLOCKS": "true",
	} {
		t.Setenv("RCLONE_CRYPT_"+option, value)
	}
	s := safe{path: filepath.Join(t.TempDir(), "x")}
	s.folder = s.path
	if err := library.Make(t.Context(), s.path); err != nil {
		t.Fatal(err)
	}
	s.put(t, newKey(t))
	for name, data := range s.files(t) {
		if name != "/"+encrypted.Marker && (strings.Trim(strings.TrimPrefix(name, "/"+encrypted.Folder), "/0123456789abcdefghijklmnopqrstuv") != "" || !bytes.HasPrefix([]byte(data), []byte("RCLONE\x00\x00"))) {
			t.Errorf("%s: %.20q", name, data)
		}
	}
}

// TestEncryptedHidesItsSecrets: errors and logs show the place alone.
func TestEncryptedHidesItsSecrets(t *testing.T) {
	s := safe{path: `:s3,provider=Other,access_key_id=KEYID99,secret_access_key=SECRET99,endpoint="http://127.0.0.1:1":bucket/x`}
	place, path := s.open(t, newKey(t))
	err := listError(t, place.Inner, "log")
	if err == nil || !strings.Contains(err.Error(), "bucket/x/encrypted: ") {
		t.Fatalf("%v", err)
	}
	for _, text := range []string{err.Error(), Mask(path)} {
		for _, secret := range append(secrets(path), "SECRET99", "password") {
			if strings.Contains(text, secret) {
				t.Errorf("%q is shown: %s", secret, text)
			}
		}
	}
}
