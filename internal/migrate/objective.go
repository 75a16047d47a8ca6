package migrate

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/migrate/tree"
)

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// objectivesOf reads the objectives list of an SLO: one of ours for each, or one composite where they bring indicators of
// their own (OpenSLO v1, section "Composite SLO").
func (im *importer) objectivesOf(o object, base slo.Objective, mark int) {
	spec := o.node.Get("spec")
	list := spec.Get("objectives")
	if !list.Is(tree.List) || len(list.Items) == 0 {
		msg, remedy := "there is no objective, so there is nothing to keep", "write at least one with a target"
		if strings.HasSuffix(o.node.Get("apiVersion").Str(), "v2alpha") { // a draft, read only: said and left out
			im.warn(o, list, field(list, "spec.objectives"), "no-objectives", msg, remedy)
			return
		}
		im.refuse(o, list, field(list, "spec.objectives"), "no-objectives", msg, remedy)
		return
	}
	if len(list.Items) > 100 {
		im.refuse(o, list, "", "too-many", "an SLO has at most 100 objectives", "split it")
		return
	}
	own := im.sliOf(o, spec)
	if own == nil && im.isComposite(list) {
		im.composite(o, base, list, mark)
		return
	}
	for i, n := range list.Items {
		before := len(im.found)
		out := base
		out.Labels, out.Annotations = clone(base.Labels), clone(base.Annotations)
		nameObjective(&out, n, i, len(list.Items))
		s := own
		if s == nil {
			s = im.sliOf(o, n)
		}
		if s == nil && n.First("indicatorRef", "sliRef").Empty() && spec.First("indicatorRef", "sliRef").Empty() {
			im.refuse(o, n, "indicator", "no-indicator", "no indicator says what is measured", "write indicator or indicatorRef in the SLO")
		}
		im.target(o, n, &out)
		if s != nil {
			im.keepIndicatorName(s, &out)
			im.indicator(o, s, n, &out)
			if !im.failedSince(mark) && !im.failedSince(before) {
				im.add(o, o.node.Get("metadata", "name"), mark, out)
			}
		}
	}
}

func (im *importer) isComposite(list *tree.Node) bool {
	for _, n := range list.Items {
		if n.Get("compositeWeight") != nil || len(list.Items) > 1 && n.First("indicator", "indicatorRef", "sli", "sliRef") != nil {
			return true
		}
	}
	return false
}

func (im *importer) keepIndicatorName(s *sli, out *slo.Objective) {
	if s.name != "" && s.name != out.Name {
		annotate(out, keyIndicatorName, s.name)
	}
}

// nameObjective tells the objectives of one SLO apart, by display name where they have one.
func nameObjective(out *slo.Objective, n *tree.Node, i, of int) {
	title := n.Get("displayName").Str()
	switch {
	case of > 1:
		suffix := label(title)
		if suffix == "" {
			suffix = strconv.Itoa(i + 1)
		}
		out.Name = label(out.Name + "-" + suffix)
		if title != "" && out.Title != "" {
			out.Title += ": " + title
		}
	case title != "" && out.Title != "":
		annotate(out, keyObjectiveTitle, title)
	}
	if out.Title == "" {
		out.Title = title
	}
}

// target reads target or targetPercent and what the budgeting method needs of slices.
func (im *importer) target(o object, n *tree.Node, out *slo.Objective) {
	im.unknown(o, n, "displayName", "op", "value", "target", "targetPercent", "timeSliceTarget", "timeSliceWindow", "indicator",
		"indicatorRef", "sli", "sliRef", "compositeWeight", "ratioMetrics")
	target, percent := n.Get("target"), n.Get("targetPercent")
	switch {
	case !target.Empty() && !percent.Empty():
		im.refuse(o, percent, "", "target", "target and targetPercent exclude each other", "leave one of them out")
	case !percent.Empty():
		out.Target = im.percent(o, percent)
	case !target.Empty():
		out.Target = im.share(o, target)
	default:
		im.refuse(o, n, "target", "target", "the target is missing", "write the share of good events, such as 0.999")
	}
	if out.Method != slo.Occurrences {
		im.slices(o, n, out)
	}
}

// share reads a target as a decimal in [0, 1).
func (im *importer) share(o object, n *tree.Node) slo.Decimal {
	d, err := decimal(n.Str())
	switch {
	case err != nil:
		im.refuse(o, n, "", "target", err.Error(), "write the share of good events, such as 0.999")
	case d.Cmp(one) > 0:
		im.refuse(o, n, "", "target", n.Str()+" is above 1; a target is a share of events", "write "+n.Str()+" per cent as "+percentHint(d))
	case d.Cmp(one) == 0:
		im.refuse(o, n, "", "target", "1 leaves no budget: the first bad event would be a breach for ever", "write a target below 1, such as 0.9999")
	case tooFine(n.Str(), 12):
		im.refuse(o, n, "", "target", "a target has at most 12 digits after the point", "round it")
	case d.Cmp(zero) == 0:
		im.warn(o, n, "", "target", "a target of 0 cannot be missed", "write the share of good events")
	}
	return d
}

// percent reads targetPercent, or Sloth's and Pyrra's objective, in [0, 100).
func (im *importer) percent(o object, n *tree.Node) slo.Decimal {
	d, err := decimal(n.Str())
	switch {
	case err != nil:
		im.refuse(o, n, "", "target", err.Error(), "write per cent of good events, such as 99.9")
	case d.Cmp(hundred) > 0:
		im.refuse(o, n, "", "target", n.Str()+" % is above 100 %", "write per cent of good events, such as 99.9")
	case d.Cmp(hundred) == 0:
		im.refuse(o, n, "", "target", "100 % leaves no budget: the first bad event would be a breach for ever", "write a target below 100, such as 99.99")
	case tooFine(n.Str(), 10):
		im.refuse(o, n, "", "target", "a target has at most 10 digits after the point in per cent", "round it")
	case d.Cmp(zero) == 0:
		im.warn(o, n, "", "target", "a target of 0 % cannot be missed", "write per cent of good events")
	case d.Cmp(one) < 0:
		im.warn(o, n, "", "target", n.Str()+" % is below one per cent; is it a share?", "write per cent of good events, such as 99.9")
	}
	return d.Percent()
}

var zero, one, hundred = slo.MustDecimal("0"), slo.MustDecimal("1"), slo.MustDecimal("100")

var decimalText = regexp.MustCompile(`^\+?([0-9]*)(?:\.([0-9]*))?$`)

// decimal reads a YAML number as it was written: ".5", "1." and "0.9990" are decimals too.
func decimal(s string) (slo.Decimal, error) {
	m := decimalText.FindStringSubmatch(s)
	if m == nil || m[1] == "" && m[2] == "" {
		return slo.Decimal{}, fmt.Errorf("%s is no decimal number", quoted(s))
	}
	whole := strings.TrimLeft(m[1], "0")
	if whole == "" {
		whole = "0"
	}
	if frac := strings.TrimRight(m[2], "0"); frac != "" {
		whole += "." + frac
	}
	return slo.ParseDecimal(whole)
}

func tooFine(s string, digits int) bool {
	_, frac, _ := strings.Cut(s, ".")
	return len(strings.TrimRight(frac, "0")) > digits
}

func percentHint(d slo.Decimal) string {
	if d.Cmp(hundred) < 0 {
		return d.Percent().String() + " or as targetPercent"
	}
	return "a share below 1"
}

// slices reads the length of a slice and, for Timeslices, what makes one good.
func (im *importer) slices(o object, n *tree.Node, out *slo.Objective) {
	length := n.Get("timeSliceWindow")
	if length.Empty() {
		im.deviates(o, n, "timeSliceWindow", "time-slice", "the slice's length is missing", "read as 1m")
		out.Slice = time.Minute
	} else if out.Slice = sliceLength(length.Str()); out.Slice == 0 {
		im.refuse(o, length, "", "time-slice", quoted(length.Str())+" is no length of a slice", "write minutes that divide an hour, such as 1m or 5m")
	}
	target := n.Get("timeSliceTarget")
	if out.Method != slo.Timeslices {
		return
	}
	d, err := decimal(target.Str())
	if err != nil || d.Cmp(zero) == 0 || d.Cmp(one) > 0 {
		im.refuse(o, first(target, n), field(target, "timeSliceTarget"), "time-slice", "the share that makes a slice good is missing or not above 0 and at most 1",
			"write a share such as 0.95")
		return
	}
	out.SliceTarget = d
}

// sliceLength reads a shorthand or plain minutes; 0 unless it is whole minutes that divide an hour (§1).
func sliceLength(s string) time.Duration {
	minutes, err := strconv.Atoi(s)
	d := time.Duration(minutes) * time.Minute
	if err != nil {
		d, err = span(s)
	}
	if err != nil || d <= 0 || d > time.Hour || d%time.Minute != 0 || time.Hour%d != 0 {
		return 0
	}
	return d
}

var spanText = regexp.MustCompile(`^(?:([0-9]{1,4})w)?(?:([0-9]{1,5})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,8})s)?(?:([0-9]{1,8})ms)?$`)

const maxSpan = 100 * 365 * day

var spanUnits = []time.Duration{7 * day, day, time.Hour, time.Minute, time.Second, time.Millisecond}

// span reads a length of time as Prometheus writes it: 30m, 1h30m, 28d, 2w.
func span(s string) (time.Duration, error) {
	m := spanText.FindStringSubmatch(s)
	if m == nil || s == "" {
		return 0, fmt.Errorf("%s is no length of time such as 30m, 1h or 28d", quoted(s))
	}
	var d time.Duration
	for i, text := range m[1:] {
		n, _ := strconv.Atoi(text)
		if d += time.Duration(n) * spanUnits[i]; d > maxSpan {
			return 0, fmt.Errorf("%s is longer than a hundred years", quoted(s))
		}
	}
	return d, nil
}

func clone(m map[string]string) map[string]string {
	if m == nil {
		return nil
	}
	out := make(map[string]string, len(m))
	maps.Copy(out, m)
	return out
}
