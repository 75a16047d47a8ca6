package web

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
)

// sayFact puts a fact into a short sentence, for lists; its kind and subject stand beside it there.
func sayFact(w kit.When, e event.Event) string {
	about := e.About.Name()
	switch f := e.Fact.(type) {
	case *event.AlertFired:
		return fmt.Sprintf("%s on %s%s: %s", f.Severity, about, groupOf(f.Group), firedWords(f))
	case *event.AlertEnded:
		return fmt.Sprintf("alert on %s ended, %s", about, f.How)
	case *event.AlertProved:
		if f.Fires {
			return fmt.Sprintf("the alerts of %s fire on an injected outage", about)
		}
		return fmt.Sprintf("no alert of %s can fire: %s", about, f.Problem)
	case *event.BudgetCorrected:
		if f.Revoked {
			return fmt.Sprintf("correction of %s taken back", about)
		}
		return fmt.Sprintf("%s corrected, %s: %s", about, w.Span(kit.Range{From: f.From, To: f.To}), f.Effect)
	case *event.BudgetCrossed:
		if f.Rearmed {
			return fmt.Sprintf("budget of %s is back over %s", about, kit.Percent(1-f.Threshold, 0))
		}
		return fmt.Sprintf("budget of %s fell under %s: %s", about, kit.Percent(1-f.Threshold, 0), policyWords(f.Action))
	case *event.MeasureClosed:
		if f.Measure != "slo" {
			return fmt.Sprintf("%s of %s closed for %s", f.Measure, f.Subject, w.Day(f.From))
		}
		return fmt.Sprintf("%s of %s: %s of %s failed", w.Day(f.From), event.Ref(f.Subject).Name(), kit.Count(f.Num), kit.Count(f.Den))
	case *event.CatalogApplied:
		return fmt.Sprintf("organisation version %s in force, %s changed", short(12, f.Version), kit.Plural(len(f.Changed), "entry", "entries"))
	case *event.CatalogRefused:
		return fmt.Sprintf("organisation files refused, %s", kit.Plural(f.Errors, "error", "errors"))
	case *event.PolicyApplied:
		if f.Removed {
			return fmt.Sprintf("%s %s taken out of force", f.Policy, f.Name)
		}
		return fmt.Sprintf("%s %s in force, version %s", f.Policy, f.Name, short(12, f.Version))
	case *event.SourceGap:
		return fmt.Sprintf("no data from %s %s: %s", f.Source, w.Span(kit.Range{From: f.From, To: f.To}), f.Reason)
	case *event.ServiceObserved:
		return fmt.Sprintf("%s seen in %s, not in the catalog", f.Name, f.Source)
	case *event.DependencyObserved:
		return fmt.Sprintf("%s calls %s over %s", f.From, f.To, f.Via)
	case *event.EvaluatorBeat:
		return fmt.Sprintf("%s alive, %s in %s", f.Evaluator, kit.Plural(f.Subjects, "subject", "subjects"), kit.Duration(time.Duration(f.RoundMS)*time.Millisecond))
	case *event.CheckpointPublished:
		return fmt.Sprintf("checkpoint of %s facts handed to %s", kit.Count(float64(f.Size)), f.Where)
	case *event.EpochOpened:
		return fmt.Sprintf("epoch %d opened from a backup up to %s", f.Epoch, kit.Seq(f.Restored))
	case *event.EventAmended:
		return fmt.Sprintf("corrects %s", kit.Seq(f.Target))
	case *event.IncidentDetected:
		return about + " began" + hurtWords(f)
	case *event.IncidentResolved:
		return about + " ended"
	case *event.IncidentUpdated:
		return fmt.Sprintf("%s %s", about, f.Status)
	case *event.AccessGranted:
		return fmt.Sprintf("%s for %s, role %s", f.What, f.To, f.Role)
	case *event.AccessRevoked:
		return fmt.Sprintf("%s %s ended", f.What, f.ID)
	case *event.AccessRefused:
		return fmt.Sprintf("%s refused on %s", f.Right, f.On)
	case *event.AccessRead:
		return fmt.Sprintf("%s read", f.What)
	}
	_, verb, _ := strings.Cut(string(e.Kind), ".")
	return strings.TrimSpace(about + " " + verb)
}

// firedWords says what made a rule fire.
func firedWords(f *event.AlertFired) string {
	switch {
	case f.Long == nil:
		return f.Rule
	case f.Factor <= 0:
		return fmt.Sprintf("%s of the last %s failed, in thin traffic", kit.Count(f.Long.Bad), kit.Count(f.Long.Total))
	}
	return fmt.Sprintf("burned %s over %s", kit.Burn(f.Long.Burn), kit.Duration(time.Duration(f.Long.WindowS)*time.Second))
}

// groupOf names the group of an objective with several budgets.
func groupOf(labels map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, name+" "+labels[name])
	}
	if len(out) == 0 {
		return ""
	}
	return ", " + strings.Join(out, ", ")
}

// hurtWords says what an incident hurt: ": checkout, payments".
func hurtWords(f *event.IncidentDetected) string {
	what := f.Services
	if len(what) == 0 {
		what = f.SLOs
	}
	if len(what) == 0 {
		return ""
	}
	if len(what) > 3 {
		return fmt.Sprintf(": %s and %d more", strings.Join(what[:3], ", "), len(what)-3)
	}
	return ": " + strings.Join(what, ", ")
}
