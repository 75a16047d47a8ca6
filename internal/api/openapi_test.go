package api_test

import (
	"testing"

	"github.com/pb33f/libopenapi"
	"github.com/pb33f/libopenapi-validator/schema_validation"

	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
)

// The description is checked by the schema that the OpenAPI Initiative publishes, and every reference in it is followed.
func TestTheDescriptionKeepsTheRulesOfOpenAPI31(t *testing.T) {
	f := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	_, _, body := f.do(t, admin, "GET", "/api/openapi.json", "")
	doc, err := libopenapi.NewDocument([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range model.Model.Paths.PathItems.FromOldest() {
		for method, op := range item.GetOperations().FromOldest() {
			if op.OperationId == "" || op.Summary == "" || len(op.Tags) == 0 {
				t.Errorf("%s %s has no id, no summary or no group", method, path)
			}
			for _, p := range op.Parameters {
				if p.In == "query" && p.Description == "" {
					t.Errorf("%s %s does not say what %s is", method, path, p.Name)
				}
			}
		}
	}
	ok, problems := schema_validation.ValidateOpenAPIDocument(doc)
	if !ok {
		for _, p := range problems {
			t.Errorf("%s: %s", p.Message, p.Reason)
			for _, s := range p.SchemaValidationErrors {
				t.Errorf("  %s: %s", s.KeywordLocation, s.Reason)
			}
		}
	}
}
