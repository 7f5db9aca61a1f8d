package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// dropbox has the few calls of Dropbox's API that a remote makes there, for whoever has the provider's token.
type dropbox struct {
	mu    sync.Mutex
	files map[string][]byte // nil: a folder
	calls map[string]int
}

func (d *dropbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if r.Header.Get("Authorization") != "Bearer hush access" || err != nil {
		http.Error(w, `{"error_summary":"invalid_access_token/","error":{".tag":"invalid_access_token"}}`, http.StatusUnauthorized)
		return
	}
	text := []byte(r.Header.Get("Dropbox-API-Arg"))
	if len(text) == 0 {
		text = body
	}
	var arg struct{ Path string }
	if err := json.Unmarshal(text, &arg); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	arg.Path = strings.TrimPrefix(arg.Path, "id:") // a file's id says where it is
	d.mu.Lock()
	defer d.mu.Unlock()
	verb := path.Base(r.URL.Path)
	d.calls[verb]++
	content, there := d.files[arg.Path]
	if !there && verb != "upload" && verb != "create_folder_v2" {
		kind := map[string]string{"delete_v2": "path_lookup"}[verb]
		if kind == "" {
			kind = "path"
		}
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"error_summary":"`+kind+`/not_found/","error":{".tag":"`+kind+`","`+kind+`":{".tag":"not_found"}}}`)
		return
	}
	d.do(w, verb, arg.Path, content, body)
}

func (d *dropbox) do(w http.ResponseWriter, verb, place string, content, body []byte) {
	switch verb {
	case "get_metadata":
		writeJSON(w, metadata(place, content))
	case "create_folder_v2":
		d.files[place] = nil
		writeJSON(w, map[string]any{"metadata": metadata(place, nil)})
	case "upload":
		d.files[place] = body
		writeJSON(w, metadata(place, body))
	case "download":
		result, _ := json.Marshal(metadata(place, content))
		w.Header().Set("Dropbox-API-Result", string(result))
		_, _ = w.Write(content)
	case "list_folder":
		entries := []any{}
		for _, name := range slices.Sorted(maps.Keys(d.files)) {
			if path.Dir(name) == place {
				entries = append(entries, metadata(name, d.files[name]))
			}
		}
		writeJSON(w, map[string]any{"entries": entries, "cursor": "x", "has_more": false})
	case "delete_v2":
		delete(d.files, place)
		writeJSON(w, map[string]any{"metadata": metadata(place, content)})
	default:
		http.Error(w, "no such call: "+verb, http.StatusNotFound)
	}
}

func metadata(place string, content []byte) map[string]any {
	m := map[string]any{".tag": "folder", "name": path.Base(place), "id": "id:" + place, "path_lower": strings.ToLower(place), "path_display": place}
	if content != nil {
		const moment = "2026-01-01T00:00:00Z"
		maps.Copy(m, map[string]any{
			".tag": "file", "size": len(content), "rev": "0123456789", "client_modified": moment, "server_modified": moment,
			"content_hash": strings.Repeat("0", 64), "is_downloadable": true,
		})
	}
	return m
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

// newDropbox serves it in the place of Dropbox's hosts, to whom the environment that it answers is given: by a proxy that leads there,
// and a certificate that is trusted.
func newDropbox(t *testing.T) (d *dropbox, env []string) {
	t.Helper()
	d = &dropbox{files: map[string][]byte{}, calls: map[string]int{}}
	certificate, file := newCertificate(t, "api.dropboxapi.com", "content.dropboxapi.com", "notify.dropboxapi.com")
	server := httptest.NewUnstartedServer(d)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}} //nolint:gosec // a test's
	server.StartTLS()
	t.Cleanup(server.Close)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || !strings.HasSuffix(r.Host, ".dropboxapi.com:443") {
			http.Error(w, "no way there", http.StatusBadGateway)
			return
		}
		tunnel(w, server.Listener.Addr().String())
	}))
	t.Cleanup(proxy.Close)
	return d, []string{"HTTPS_PROXY=" + proxy.URL, "SSL_CERT_FILE=" + file}
}

// tunnel passes bytes both ways until either side ends.
func tunnel(w http.ResponseWriter, address string) {
	there, err := net.Dial("tcp", address)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer func() { _ = there.Close() }()
	w.WriteHeader(http.StatusOK)
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = here.Close() }()
	go func() {
		_, _ = io.Copy(there, buffered)
		_ = there.Close()
	}()
	_, _ = io.Copy(here, there)
}

// newCertificate answers one for the hosts, and the file by which it is trusted.
func newCertificate(t *testing.T, hosts ...string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: hosts, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "trusted.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, file
}

// wantTried looks for the file of a test: it was written, read and listed, and is gone.
func (d *dropbox) wantTried(t *testing.T) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, verb := range []string{"create_folder_v2", "upload", "download", "list_folder", "delete_v2"} {
		if d.calls[verb] == 0 {
			t.Errorf("%s was never called: %v", verb, d.calls)
		}
	}
	for name, content := range d.files {
		if bytes.Contains(content, []byte("SetLogger was here")) {
			t.Errorf("%s was left", name)
		}
	}
}
