package assess

import (
	"fmt"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
)

// targets are those that people agree on, the highest first. Below the last one a burn rate of 14.4 cannot be reached.
var targets = []slo.Decimal{slo.MustDecimal("0.9999"), slo.MustDecimal("0.9995"), slo.MustDecimal("0.999"), slo.MustDecimal("0.995"),
	slo.MustDecimal("0.99"), slo.MustDecimal("0.98"), slo.MustDecimal("0.95")}

const (
	spare     = 0.8 // share of the budget that the history may have spent at most
	minAllows = 10  // failures that a window's budget must hold, so that a single one is no alarm
)

// suggest is the highest common target that the history kept with a fifth of its budget left, and whose budget over the
// window holds at least ten events; why says so in words. attained is 0..1, events those of one window.
func suggest(attained, events float64) (target slo.Decimal, why string) {
	few := false
	for _, t := range targets {
		allowed := t.Complement()
		if 1-attained > spare*allowed {
			continue
		}
		if events*allowed < minAllows && t != targets[len(targets)-1] {
			few = true
			continue
		}
		if few {
			return t, fmt.Sprintf("attained %s; a higher target would allow fewer than %d failures in %s and alarm on single ones",
				kit.Percent(attained, 3), minAllows, kit.Duration(budgetWindow))
		}
		return t, fmt.Sprintf("attained %s; the highest usual target that leaves a fifth of its budget", kit.Percent(attained, 3))
	}
	last := targets[len(targets)-1]
	return last, fmt.Sprintf("attained %s, which is below what can be alerted on; %s is where to get to first", kit.Percent(attained, 3), kit.Percent(last.Float(), 0))
}

// budgetWindow is the window of drafted objectives.
const budgetWindow = 28 * 24 * time.Hour
