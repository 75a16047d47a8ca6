package budget

import (
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
)

// InForce is the name of the policy in force in a Grid.
const InForce = "In force"

// Grid is the alert policies that a back-test sets beside the one in force: those people use, and a step to either side.
// Names are shown to people. Policies that the objective's target makes unreachable are left out by the evaluator, with
// the reason.
func Grid(o slo.Objective) []Policy {
	const h, d, m = time.Hour, 24 * time.Hour, time.Minute
	page := func(factor float64, long, short time.Duration) slo.Pair {
		return slo.Pair{Name: "page-" + slo.Window{Rolling: long}.String(), Severity: slo.Page, Factor: factor, Long: long, Short: short}
	}
	return []Policy{
		{Name: InForce, Pairs: o.Pairs},
		{Name: "14.4× 1 h and 6× 6 h (SRE Workbook)", Pairs: []slo.Pair{page(14.4, h, 5*m), page(6, 6*h, 30*m)}},
		{Name: "30× 1 h and 10× 6 h", Pairs: []slo.Pair{page(30, h, 5*m), page(10, 6*h, 30*m)}},
		{Name: "10× 1 h and 5× 6 h", Pairs: []slo.Pair{page(10, h, 5*m), page(5, 6*h, 30*m)}},
		{Name: "14.4× 2 h", Pairs: []slo.Pair{page(14.4, 2*h, 10*m)}},
		{Name: "6× 6 h", Pairs: []slo.Pair{page(6, 6*h, 30*m)}},
		{Name: "3× 1 d", Pairs: []slo.Pair{page(3, d, 2*h)}},
	}
}
