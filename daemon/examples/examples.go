// Package examples holds the examples of the API's document: calls and their answers, which the tests make in the order of
// the files and of their lines.
package examples

import "embed"

// Files hold a list of examples each; problems.json has those that many calls can be answered with.
//
//go:embed *.json
var Files embed.FS
