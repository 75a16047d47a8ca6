package api_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/kit/kittest"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
)

// described is what the documentation shows of the description.
type described struct {
	Tags  []string `json:"tags"`
	ID    string   `json:"operationId"`
	About string   `json:"summary"`
	More  string   `json:"description"`
	Right string   `json:"x-right"`
}

// docs/api.md shows every operation and role as they are; UPDATE=1 writes them anew.
func TestTheDocumentationListsEveryOperationAndRole(t *testing.T) {
	f := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	var doc struct {
		Paths map[string]map[string]described `json:"paths"`
	}
	f.get(t, "/api/openapi.json", &doc)
	type row struct {
		group, text string
	}
	var rows []row
	for path, methods := range doc.Paths {
		for method, op := range methods {
			about := op.About
			if op.More != "" {
				about += ". " + op.More
			}
			rows = append(rows, row{op.Tags[0], fmt.Sprintf("| `%s` | `%s %s` | `%s` | %s |", op.ID, strings.ToUpper(method), strings.TrimPrefix(path, "/api/v1"), op.Right, strings.TrimSuffix(about, "."))})
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.group+a.text, b.group+b.text) })
	operations := []string{"| Id | Under `/api/v1` | Right | Does |", "|---|---|---|---|"}
	for _, r := range rows {
		operations = append(operations, r.text)
	}
	kittest.Section(t, "docs/api.md", "operations", strings.Join(operations, "\n"))

	roles := []string{"| Right | Allows | Roles |", "|---|---|---|"}
	for _, r := range auth.Rights {
		var who []string
		for _, role := range auth.Roles {
			if (auth.Caller{Role: role}).Has(r.Right) {
				who = append(who, string(role))
			}
		}
		roles = append(roles, fmt.Sprintf("| `%s` | %s | %s |", r.Right, r.Means, strings.Join(who, ", ")))
	}
	kittest.Section(t, "docs/api.md", "roles", strings.Join(roles, "\n"))
}

// The problem that docs/api.md shows is the one that is given.
func TestTheProblemInTheDocumentationIsAsGiven(t *testing.T) {
	f := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	_, _, got := f.do(t, admin, "GET", "/api/v1/slos?state=sad&limit=9999", "")
	body, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(body), "    {\"title\"")
	text, _, _ := strings.Cut(after, "\n\n")
	var shown, given map[string]any
	if err := json.Unmarshal([]byte(`{"title"`+text), &shown); err != nil {
		t.Fatalf("the problem in docs/api.md: %v", err)
	}
	if err := json.Unmarshal([]byte(got), &given); err != nil {
		t.Fatal(err)
	}
	if a, b := fmt.Sprint(shown), fmt.Sprint(given); a != b {
		t.Errorf("docs/api.md shows\n%s\nand the API gives\n%s", a, b)
	}
}
