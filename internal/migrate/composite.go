package migrate

import (
	"strconv"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/migrate/tree"
)

// Annotations of a composite SLO: evenkeel.dev/composite (pooled) and evenkeel.dev/composite-target.
const (
	compositePrefix    = "composite"
	keyComposite       = "composite"
	keyCompositeTarget = "composite-target"
)

// composite joins an SLO's objectives into one (§7): OpenSLO's Timeslices make any_slice, its other methods openslo, our
// annotation makes pooled.
func (im *importer) composite(o object, base slo.Objective, list *tree.Node, mark int) {
	out := base
	out.Composite = &slo.Composite{Kind: "openslo"}
	if base.Method == slo.Timeslices {
		out.Composite.Kind = "any_slice"
	}
	annotations := o.node.Get("metadata", "annotations")
	if n := annotations.Get(prefix + keyComposite); n != nil {
		if n.Str() != "pooled" {
			im.refuse(o, n, "", "extra", quoted(n.Str())+" is no form of composite to choose", "write pooled, or leave it out for OpenSLO's own")
		}
		out.Composite.Kind = "pooled"
		delete(out.Annotations, prefix+keyComposite)
	}
	for i, n := range list.Items {
		if part, ok := im.part(o, base, n, i); ok {
			out.Composite.Parts = append(out.Composite.Parts, part)
		}
	}
	im.compositeTarget(o, list, annotations, &out)
	if len(out.Annotations) == 0 {
		out.Annotations = nil
	}
	im.add(o, o.node.Get("metadata", "name"), mark, out)
}

func (im *importer) part(o object, base slo.Objective, n *tree.Node, i int) (slo.Part, bool) {
	s := im.sliOf(o, n)
	if s == nil {
		if n.First("indicatorRef", "sliRef").Empty() {
			im.refuse(o, n, "indicator", "no-indicator", "in a composite every objective has an indicator of its own", "write indicator or indicatorRef")
		}
		return slo.Part{}, false
	}
	p := slo.Part{Name: n.Get("displayName").Str(), Weight: 1}
	if p.Name == "" {
		p.Name = s.name
	}
	if p.Name == "" {
		p.Name = "part-" + strconv.Itoa(i+1)
	}
	p.Objective = slo.Objective{Name: p.Name, Service: base.Service, Tier: -1, Method: base.Method, Window: base.Window}
	im.weight(o, n, base.Method, &p)
	im.target(o, n, &p.Objective)
	im.partExtras(o, s, &p.Objective)
	im.indicator(o, s, n, &p.Objective)
	if s.name != label(p.Name) {
		im.keepIndicatorName(s, &p.Objective)
	}
	return p, true
}

func (im *importer) weight(o object, n *tree.Node, m slo.Method, p *slo.Part) {
	w := n.Get("compositeWeight")
	if w.Empty() {
		return
	}
	x, err := strconv.ParseFloat(w.Str(), 64)
	switch {
	case err != nil || !finite(x) || x <= 0:
		im.refuse(o, w, "", "weight", "a weight is a number above 0", "write 1, or leave it out")
	case m == slo.Timeslices && x != 1:
		im.refuse(o, w, "", "weight", "in a composite of time slices, bad when any part is, weights mean nothing", "leave it out")
	}
	p.Weight = x
}

// partExtras reads our annotations of a part's indicator: how a part treats missing data.
func (im *importer) partExtras(o object, s *sli, out *slo.Objective) {
	for _, e := range extras {
		n := s.annotations.Get(prefix + e.key)
		if n == nil || e.key != "no-data" && e.key != "staleness" {
			continue
		}
		if err := e.read(n.Str(), out); err != nil {
			im.refuse(o, n, "", "extra", err.Error(), "see docs/openslo.md")
		}
	}
}

// compositeTarget finds the target a composite has of its own: the parts' common one for any_slice, the annotation's or
// the parts' common one for pooled. openslo has none: its strictest part's is shown for it and decides which alert rules can
// be reached, which is noted where the parts differ. It is not written back, so nothing is lost.
func (im *importer) compositeTarget(o object, list, annotations *tree.Node, out *slo.Objective) {
	parts := out.Composite.Parts
	if len(parts) == 0 {
		return
	}
	out.Slice, out.SliceTarget = parts[0].Objective.Slice, parts[0].Objective.SliceTarget
	if n := annotations.Get(prefix + keyCompositeTarget); n != nil && out.Composite.Kind == "pooled" {
		out.Target = im.share(o, n)
		delete(out.Annotations, prefix+keyCompositeTarget)
		return
	}
	out.Target = parts[0].Objective.Target
	if out.Composite.Kind == "openslo" {
		im.strictestTarget(o, list, out)
		return
	}
	for i, p := range parts {
		if p.Objective.Target.Cmp(out.Target) != 0 {
			im.refuse(o, list.Items[min(i, len(list.Items)-1)].First("target", "targetPercent"), "", "target", "the parts of this composite need one common target, this one differs",
				"give all the same target, or evenkeel.dev/composite: pooled with evenkeel.dev/composite-target")
			return
		}
	}
}

// strictestTarget stands in for the target that a composite after OpenSLO does not have.
func (im *importer) strictestTarget(o object, list *tree.Node, out *slo.Objective) {
	differ := false
	for _, p := range out.Composite.Parts {
		c := p.Objective.Target.Cmp(out.Target)
		differ = differ || c != 0
		if c > 0 {
			out.Target = p.Objective.Target
		}
	}
	if differ {
		im.note(o, list, "", "composite-target", "a composite whose parts burn by weight has no target of its own; "+out.Target.String()+", its strictest part's, is shown for it and decides which alert rules it can have")
	}
}
