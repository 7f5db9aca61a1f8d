package daemon

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// sources parses the Go files of a package that are no tests.
func sources(t *testing.T, folder string) map[string]*ast.File {
	t.Helper()
	all := map[string]*ast.File{}
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatal(folder, err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(name)] = file
	}
	return all
}

// problemNames answers the Name of each literal of a Problem in a package, and names the literals that have none.
func problemNames(t *testing.T, folder string) (names []string) {
	t.Helper()
	for file, parsed := range sources(t, folder) {
		ast.Inspect(parsed, func(n ast.Node) bool {
			literal, ok := n.(*ast.CompositeLit)
			if !ok || !isProblem(literal.Type) || len(literal.Elts) == 0 {
				return true
			}
			name := ""
			for _, element := range literal.Elts {
				pair, ok := element.(*ast.KeyValueExpr)
				if !ok || fmt.Sprint(pair.Key) != "Name" {
					continue
				}
				if text, ok := pair.Value.(*ast.BasicLit); ok {
					name, _ = strconv.Unquote(text.Value)
				}
			}
			if name == "" {
				t.Errorf("%s: a problem whose name is not written out", file)
			}
			names = append(names, name)
			return true
		})
	}
	return names
}

func isProblem(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "Problem"
	case *ast.SelectorExpr:
		return e.Sel.Name == "Problem"
	}
	return false
}

// ownNames answers the names that this package declares for problems, by their constants, and which of those are used
// outside of the table.
func ownNames(t *testing.T) (names map[string]string, used map[string]bool) {
	t.Helper()
	names, used = map[string]string{}, map[string]bool{}
	all := sources(t, ".")
	for _, d := range all["troubles.go"].Decls {
		constants, ok := d.(*ast.GenDecl)
		if !ok || constants.Tok != token.CONST || !constants.Lparen.IsValid() {
			continue
		}
		for _, spec := range constants.Specs {
			value := spec.(*ast.ValueSpec)                                                         //nolint:errcheck // of a const declaration
			names[value.Names[0].Name], _ = strconv.Unquote(value.Values[0].(*ast.BasicLit).Value) //nolint:errcheck // they are texts
		}
	}
	for file, parsed := range all {
		if file == "troubles.go" {
			continue
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if name, ok := n.(*ast.Ident); ok && names[name.Name] != "" {
				used[name.Name] = true
			}
			return true
		})
	}
	return names, used
}

// TestTroublesAreAllThatCanBe: the table has each name that code can produce, and no other; problems of this package are made by
// named alone.
func TestTroublesAreAllThatCanBe(t *testing.T) {
	constants, used := ownNames(t)
	wanted := problemNames(t, "../replica")
	if len(wanted) < 10 || len(constants) < 15 {
		t.Fatalf("too few were found: %v, %v", wanted, constants)
	}
	for constant, name := range constants {
		if !used[constant] {
			t.Errorf("nothing produces %s", name)
		}
		wanted = append(wanted, name)
	}
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	var table []string
	for _, kind := range troubles() {
		table = append(table, kind.name)
		if kind.cause == "" || kind.effect == "" || kind.mend == "" {
			t.Errorf("a word is missing: %+v", kind)
		}
	}
	slices.Sort(table)
	if !slices.Equal(table, wanted) {
		t.Errorf("the table has\n%v\nand there are\n%v", table, wanted)
	}
	for file, parsed := range sources(t, ".") {
		ast.Inspect(parsed, func(n ast.Node) bool {
			if literal, ok := n.(*ast.CompositeLit); ok && file != "troubles.go" && isProblem(literal.Type) && len(literal.Elts) > 0 {
				t.Errorf("%s makes a problem past the table", file)
			}
			return true
		})
	}
}

// TestOperationsNamesTheTroubles holds docs/operations.md to the table; -update writes it anew.
func TestOperationsNamesTheTroubles(t *testing.T) {
	var rows strings.Builder
	rows.WriteString("| problem | cause | effect | mend |\n|---|---|---|---|\n")
	for _, kind := range troubles() {
		fmt.Fprintf(&rows, "| `%s` | %s | %s | %s |\n", kind.name, kind.cause, strings.TrimSuffix(kind.effect, kept), kind.mend)
	}
	const path = "../docs/operations.md"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile(`(?m)^\| problem \|.*\n(\|.*\n)+`)
	got := table.FindString(string(data))
	if *update {
		data = []byte(strings.Replace(string(data), got, rows.String(), 1))
		if err := os.WriteFile(path, data, fs.FileMode(0o644)); err != nil {
			t.Fatal(err)
		}
		got = table.FindString(string(data))
	}
	if got != rows.String() {
		t.Errorf("%s names other troubles; if they are meant: go test ./daemon -run Troubles -update", path)
	}
}
