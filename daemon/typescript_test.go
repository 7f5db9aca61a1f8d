package daemon

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// checksFolder has the programs that check the document, and what npm fetched for them.
const checksFolder = "../testdata/openapi"

// TestDocumentIsOpenAPI checks the document against the official schema, and each schema in it against that of JSON Schema.
func TestDocumentIsOpenAPI(t *testing.T) {
	const official, whole = "https://spec.openapis.org/oas/3.1/schema/2025-11-23", "test:///whole.json"
	text, err := os.ReadFile(filepath.Join(checksFolder, "openapi-3.1.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	for url, text := range map[string]string{
		official: string(text),
		whole:    `{"$ref":"` + official + `","$defs":{"schema":{"$dynamicAnchor":"meta","$ref":"https://json-schema.org/draft/2020-12/schema"}}}`,
	} {
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(text)))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource(url, schema); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile(whole)
	if err != nil {
		t.Fatal(err)
	}
	text = serveDaemon(t).get(t, "/openapi.json").body
	for _, c := range []struct {
		name, from, to string
		wanted         bool
	}{
		{"the document", "", "", true},
		{"an unknown member", `"openapi":`, `"colour":"red","openapi":`, false},
		{"a parameter in no place", `"in":"query"`, `"in":"nowhere"`, false},
		{"a type that there is not", `"type":"string"`, `"type":"text"`, false},
	} {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(bytes.Replace(text, []byte(c.from), []byte(c.to), 1)))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); (err == nil) != c.wanted {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestTypeScript lints the document, makes a client's types from it, compiles a program that uses them, and runs it.
func TestTypeScript(t *testing.T) {
	modules := needModules(t)
	s := serveDaemon(t)
	folder := t.TempDir()
	for _, name := range []string{"package.json", "tsconfig.json", "lint.js", "client.ts"} {
		text, err := os.ReadFile(filepath.Join(checksFolder, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(modules, filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "openapi.json"), s.get(t, "/openapi.json").body, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, step := range [][]string{
		{"lint.js", "openapi.json"},
		{"node_modules/openapi-typescript/bin/cli.js", "openapi.json", "-o", "api.ts"},
		{"node_modules/typescript/bin/tsc", "-p", "."},
		{"client.js"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		node := exec.CommandContext(ctx, "node", step...)
		node.Dir = folder
		node.Env = append(os.Environ(), "DAEMON=http://"+s.address, "TOKEN="+s.token, "NO_COLOR=1")
		out, err := node.CombinedOutput()
		cancel()
		if err != nil {
			t.Fatalf("%v: %v\n%s", step, err, out)
		}
	}
}

// needModules answers where npm put what the checks use, or skips the test by name.
func needModules(t *testing.T) string {
	t.Helper()
	modules, err := filepath.Abs(filepath.Join(checksFolder, "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	missing := ""
	if _, err := exec.LookPath("node"); err != nil {
		missing = "node is not installed"
	} else if _, err := os.Stat(modules); err != nil {
		missing = "the checks of the document are not there: npm ci in testdata/openapi"
	}
	switch {
	case missing == "":
	case os.Getenv("SETLOGGER_TEST_REQUIRED") == "1":
		t.Fatal(missing)
	default:
		t.Skip(missing)
	}
	return modules
}
