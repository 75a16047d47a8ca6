package migrate

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/migrate/tree"
)

var errNotMinutes = errors.New("a window of an alert is whole minutes, at least one")

// prefix of the annotations that hold what OpenSLO has no field for, so that a file with them stays valid OpenSLO.
const prefix = "evenkeel.dev/"

// Annotations that stay annotations: what a file said that no field of an objective holds.
const (
	keyIndicatorName  = "indicator-name"  // the SLI's name
	keyObjectiveTitle = "objective-title" // displayName of the one objective
	keySourceType     = "source-type"     // type of a metric source that is not Prometheus itself
	keyRawType        = "raw-type"        // success, where the query of a foreign source gives the share of good events
	keySlothSLO       = "sloth-slo"       // the SLO's name within its Sloth service
	keyAlertName      = "alert-name"      // name of the exported alerts
	keyAlertLabels    = "alert-labels"    // JSON, labels of the exported alerts
	keyAlertNotes     = "alert-annotations"
	keyPageLabels     = "page-labels"
	keyTicketLabels   = "ticket-labels"
)

// Annotations of other objects than the SLO.
const (
	keyIndicator = "indicator" // of the SLI: gauge, histogram, native
	keyOp        = "op"        // of the SLI: eq or ne
	keySpend     = "spend"     // of the AlertCondition: share of the budget
)

var kept = []string{keyIndicatorName, keyObjectiveTitle, keySourceType, keyRawType, keySlothSLO, keyAlertName, keyAlertLabels, keyAlertNotes,
	keyPageLabels, keyTicketLabels}

// annotate keeps a text in an objective's annotations, without touching a map it shares.
func annotate(out *slo.Objective, key, value string) {
	out.Annotations = clone(out.Annotations)
	if out.Annotations == nil {
		out.Annotations = map[string]string{}
	}
	out.Annotations[prefix+key] = value
}

// extra is one annotation of an SLO that becomes a field of the objective, and back.
type extra struct {
	key   string
	read  func(text string, out *slo.Objective) error
	write func(o slo.Objective) string // "" leaves it out
}

// extras are all of them, in the order they are written. Their meaning is in docs/openslo.md.
var extras = []extra{
	{"tier", readTier, func(o slo.Objective) string {
		if o.Tier < 0 {
			return ""
		}
		return strconv.Itoa(o.Tier)
	}},
	{"no-data", readNoData, func(o slo.Objective) string { return string(o.NoData) }},
	{"staleness", func(s string, out *slo.Objective) (err error) {
		out.Staleness, err = positive(s)
		return err
	}, func(o slo.Objective) string { return spanString(o.Staleness) }},
	{"group-by", readGroupBy, func(o slo.Objective) string { return strings.Join(o.GroupBy, ",") }},
	{"max-groups", func(s string, out *slo.Objective) (err error) {
		out.MaxGroups, err = strconv.Atoi(s)
		if err != nil || out.MaxGroups < 1 {
			return fmt.Errorf("%s is no number of groups, 1 or more", quoted(s))
		}
		return nil
	}, func(o slo.Objective) string {
		if o.MaxGroups == 0 {
			return ""
		}
		return strconv.Itoa(o.MaxGroups)
	}},
	{"no-alerts", func(s string, out *slo.Objective) (err error) {
		out.NoAlerts, err = strconv.ParseBool(s)
		if err != nil {
			return fmt.Errorf("%s is neither true nor false", quoted(s))
		}
		return nil
	}, func(o slo.Objective) string {
		if !o.NoAlerts {
			return ""
		}
		return "true"
	}},
	{"policy", readBudgetPolicy, writeBudgetPolicy},
	{"runbook", func(s string, out *slo.Objective) error {
		out.Runbook = s
		return nil
	}, func(o slo.Objective) string { return o.Runbook }},
	{"start", func(s string, out *slo.Objective) (err error) {
		out.Start, err = time.Parse(time.RFC3339, s)
		out.Start = out.Start.UTC()
		if err != nil {
			return fmt.Errorf("%s is no instant such as 2026-01-31T00:00:00Z", quoted(s))
		}
		return nil
	}, func(o slo.Objective) string {
		if o.Start.IsZero() {
			return ""
		}
		return o.Start.UTC().Format(time.RFC3339Nano)
	}},
}

// extras moves our annotations of an SLO into the objective's fields. One that is not known is most likely misspelt.
func (im *importer) extras(o object, out *slo.Objective) {
	annotations := o.node.Get("metadata", "annotations")
	if !annotations.Is(tree.Map) {
		return
	}
	for _, f := range annotations.Fields {
		key, ours := strings.CutPrefix(f.Key, prefix)
		if !ours || slices.Contains(kept, key) || strings.HasPrefix(key, compositePrefix) {
			continue
		}
		i := slices.IndexFunc(extras, func(e extra) bool { return e.key == key })
		if i < 0 {
			im.refuse(o, f.Value, "", "extra", "no annotation of this name is known", "see docs/openslo.md for those that are")
			continue
		}
		delete(out.Annotations, f.Key)
		if err := extras[i].read(f.Value.Str(), out); err != nil {
			im.refuse(o, f.Value, "", "extra", kit.Errorf(kit.Invalid, "%w", err).Error(), "see docs/openslo.md")
		}
	}
	if len(out.Annotations) == 0 {
		out.Annotations = nil
	}
}

func readTier(s string, out *slo.Objective) (err error) {
	out.Tier, err = strconv.Atoi(s)
	if err != nil || out.Tier < 0 || out.Tier > 3 {
		return fmt.Errorf("%s is no tier, 0 to 3", quoted(s))
	}
	return nil
}

func readNoData(s string, out *slo.Objective) error {
	switch p := slo.NoData(s); p {
	case slo.Excluded, slo.GoodData, slo.BadData, slo.HoldData:
		out.NoData = p
		return nil
	}
	return fmt.Errorf("%s is no policy for missing data: excluded, good, bad or hold", quoted(s))
}

var actions = []string{"notify", "warn", "propose-freeze"}

// readBudgetPolicy reads "0.5 notify, 0.75 warn, 1 propose-freeze".
func readBudgetPolicy(s string, out *slo.Objective) error {
	out.Policy = nil
	for line := range strings.SplitSeq(s, ",") {
		share, action, _ := strings.Cut(strings.TrimSpace(line), " ")
		x, err := strconv.ParseFloat(share, 64)
		if err != nil || !finite(x) || x <= 0 || !slices.Contains(actions, action) {
			return fmt.Errorf("%s is no threshold and action such as 0.5 notify (notify, warn, propose-freeze)", quoted(line))
		}
		out.Policy = append(out.Policy, slo.Threshold{Consumed: x, Action: action})
	}
	return nil
}

func writeBudgetPolicy(o slo.Objective) string {
	var lines []string
	for _, t := range o.Policy {
		lines = append(lines, number64(t.Consumed)+" "+t.Action)
	}
	return strings.Join(lines, ", ")
}

func number64(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func positive(s string) (time.Duration, error) {
	d, err := span(s)
	if err == nil && d <= 0 {
		err = fmt.Errorf("%s is not above 0", quoted(s))
	}
	return d, err
}

// spanString is span's inverse for whole milliseconds: "1h30m"; "" for 0.
func spanString(d time.Duration) string {
	var b strings.Builder
	for i, unit := range []string{"w", "d", "h", "m", "s", "ms"} {
		if n := d / spanUnits[i]; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, unit)
			d -= n * spanUnits[i]
		}
	}
	return b.String()
}

// groupLabel is a label to group by: any name that a list with commas can hold.
var groupLabel = regexp.MustCompile(`^[^\s,"]{1,200}$`)

func readGroupBy(s string, out *slo.Objective) error {
	out.GroupBy = nil
	for name := range strings.SplitSeq(s, ",") {
		name = strings.TrimSpace(name)
		if !groupLabel.MatchString(name) {
			return fmt.Errorf("%s is no label name to group by", quoted(name))
		}
		out.GroupBy = append(out.GroupBy, name)
	}
	return nil
}
