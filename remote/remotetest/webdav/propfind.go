package webdav

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"strconv"

	"github.com/setlogger/setlogger/remote"
)

// multistatus is the body of RFC 4918, 13, as far as clients need it.
type multistatus struct {
	XMLName   xml.Name   `xml:"DAV: multistatus"`
	Responses []response `xml:"response"`
}

type response struct {
	Href       string    `xml:"href"`
	Size       string    `xml:"propstat>prop>getcontentlength,omitempty"`
	Modified   string    `xml:"propstat>prop>getlastmodified"`
	Collection *struct{} `xml:"propstat>prop>resourcetype>collection"`
	Status     string    `xml:"propstat>status"`
}

const (
	end      = "</multistatus>"
	modified = "Thu, 01 Jan 1970 00:00:00 GMT" // times tell nothing
	found    = "HTTP/1.1 200 OK"
)

func folderOf(name string) response {
	return response{Href: hrefOf(remote.Join(name, "")), Modified: modified, Collection: &struct{}{}, Status: found}
}

func fileOf(name string, size int64) response {
	return response{Href: hrefOf(name), Size: strconv.FormatInt(size, 10), Modified: modified, Status: found}
}

// propfind tells of a file, or of a folder with what is in it unless the depth is 0.
func (s *Server) propfind(w http.ResponseWriter, r *http.Request, name string) {
	switch {
	case !s.isFolder(name):
		data, err := s.truth.Read(r.Context(), name)
		if err != nil {
			s.tell(w, err, 0)
			return
		}
		s.list(w, []response{fileOf(name, int64(len(data)))}, nil)
	case r.Header.Get("Depth") == "0":
		s.list(w, []response{folderOf(name)}, nil)
	default:
		s.listFolder(w, r, name)
	}
}

func (s *Server) listFolder(w http.ResponseWriter, r *http.Request, name string) {
	var files []response
	var failed error
	for o, err := range s.files.List(r.Context(), name) {
		if failed = err; err == nil {
			files = append(files, fileOf(o.Name, o.Size))
		}
	}
	if failed != nil && len(files) == 0 {
		s.tell(w, failed, 0)
		return
	}
	all := []response{folderOf(name)}
	for _, folder := range s.foldersIn(name) {
		all = append(all, folderOf(folder))
	}
	s.list(w, append(all, files...), failed)
}

// list answers the responses; those before an error, and then the connection breaks.
func (s *Server) list(w http.ResponseWriter, all []response, failed error) {
	body, err := xml.Marshal(multistatus{Responses: all})
	if err != nil {
		s.tell(w, err, 0)
		return
	}
	w.Header().Set("Content-Type", `application/xml; charset="utf-8"`)
	w.WriteHeader(http.StatusMultiStatus)
	if failed == nil {
		_, _ = w.Write(body) // a client that is gone needs no answer
		return
	}
	_, _ = w.Write(bytes.TrimSuffix(body, []byte(end)))
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}
