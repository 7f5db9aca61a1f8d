package daemon

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"testing"
)

// TestSecretsAreComparedInConstantTime reads the code that judges tokens and secrets. A clock would show little of it on a busy machine;
// the code shows that only hashes are kept, and that no operator compares them.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	compared := 0
	for _, file := range []string{"gate.go", "apps.go", "pairing.go"} {
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(source, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if (n.Op == token.EQL || n.Op == token.NEQ) && (isSecret(n.X) || isSecret(n.Y)) {
					t.Errorf("%s compares a secret with %s", file, n.Op)
				}
			case *ast.SelectorExpr:
				if n.Sel.Name == "ConstantTimeCompare" {
					compared++
				}
			}
			return true
		})
	}
	if compared != 3 { // the owner's token, an app's, the secret of one that asks
		t.Errorf("%d comparisons in constant time", compared)
	}
	if len(gate{}.token) != 32 || len(app{}.token) != 32 || len(asking{}.secret) != 32 {
		t.Error("something else than a hash is kept")
	}
}

// isSecret tells whether an expression is a token, a secret, or a hash of one.
func isSecret(e ast.Expr) bool {
	name := ""
	switch e := e.(type) {
	case *ast.Ident:
		name = e.Name
	case *ast.SelectorExpr:
		name = e.Sel.Name
	}
	return slices.Contains([]string{"token", "Token", "secret", "Secret", "sum", "given"}, name)
}
