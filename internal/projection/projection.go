// Package projection holds the tables derived from facts and the questions they answer: one file a projection, each with
// its Projection and plain functions that read its tables.
//
// docs/recipes/projection.md says how to add one.
package projection

import "evenkeel.dev/evenkeel/internal/store/ledger"

// All lists every projection of the program.
var All = []ledger.Projection{
	Alerts,
	Amendments,
	Catalog,
	Corrections,
	Gaps,
	Measures,
	Policies,
}
