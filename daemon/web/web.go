// Package web holds the status page and the API's docs page: static files that hold no data and load nothing from
// elsewhere.
package web

import "embed"

// Files are the pages, under the names they are served by.
//
//go:embed *.html *.js *.css *.svg
var Files embed.FS
