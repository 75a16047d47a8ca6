package estate

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// own reads the labels and annotations that are ours.
func (d *descriptor) own() {
	e := &d.e
	if v, ok := e.Labels[LabelTier]; ok {
		e.Tier = d.tier(v)
	} else if v, ok := e.Annotations[LabelTier]; ok {
		e.Tier = d.tier(v)
		d.flaw(annotation(LabelTier), "own-keys", LabelTier+" stands under annotations", "move it to metadata.labels")
	}
	e.OnCall = d.onCall(e.Annotations[OnCall])
	e.Environments = split(e.Annotations[Environments], ",")
	e.ServiceNames = split(e.Annotations[ServiceNames], ",")
	if len(e.ServiceNames) == 0 && e.Name != "" {
		e.ServiceNames = []string{e.Name}
	}
	e.Availability = d.share(Availability, 0)
	e.OwnAvailability = d.share(OwnAvailability, 1)
	e.Ignore = split(e.Annotations[LintIgnore], ",")
	for _, text := range split(e.Annotations[Was], ",") {
		if r, err := ParseRef(text, e.Kind, e.Namespace); err == nil {
			e.Was = append(e.Was, r)
		} else {
			d.flaw(annotation(Was), "reference-form", fmt.Sprintf("%s: %v", Was, err), "write the reference it had, such as component:cart")
		}
	}
	d.soft(e.Annotations[SoftDependencies])
	d.groups(e.Annotations[DependencyGroups])
	d.unknownKeys()
}

func (d *descriptor) tier(v string) int {
	if len(v) == 1 && v[0] >= '0' && v[0] <= '3' {
		return int(v[0] - '0')
	}
	d.flaws = append(d.flaws, Flaw{"/metadata/labels/" + escape(LabelTier), "own-keys", true, fmt.Sprintf("tier %q is not 0, 1, 2 or 3", v), `write "0" for what the organisation stops without, to "3" for what nobody is woken for`})
	return -1
}

// onCall reads who is woken: an address stays as it is, anything else is a reference to a group.
func (d *descriptor) onCall(v string) string {
	if v == "" || strings.Contains(v, "://") || strings.HasPrefix(v, "mailto:") || strings.HasPrefix(v, "tel:") {
		return v
	}
	return string(d.ref(v, "group", OnCall, annotation(OnCall)))
}

// share reads an availability in [0, 1].
func (d *descriptor) share(key string, otherwise float64) float64 {
	v, ok := d.e.Annotations[key]
	if !ok {
		return otherwise
	}
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || !(f > 0 && f <= 1) {
		d.bad(key, fmt.Sprintf("%s %q is not a share above 0 and at most 1", key, v), `write "0.999" for 99.9 %`)
		return otherwise
	}
	return f
}

// soft reads "recommendations=0.05, resource:mail".
func (d *descriptor) soft(v string) {
	for _, item := range split(v, ",") {
		text, impact, given := strings.Cut(item, "=")
		s := Soft{Ref: d.ref(strings.TrimSpace(text), "component", SoftDependencies, annotation(SoftDependencies))}
		if given {
			f, err := strconv.ParseFloat(strings.TrimSpace(impact), 64)
			if err != nil || !(f >= 0 && f <= 1) {
				d.bad(SoftDependencies, fmt.Sprintf("impact %q of %s is not a share from 0 to 1", impact, text), "write the share of requests that fail without it, such as 0.05")
				continue
			}
			s.Impact = f
		}
		if s.Ref != "" {
			d.e.Soft = append(d.e.Soft, s)
		}
	}
}

var groupText = regexp.MustCompile(`^([0-9]{1,4})\s+of\s+(.*)$`)

// groups reads "1 of resource:db-a, resource:db-b; 2 of a, b, c".
func (d *descriptor) groups(v string) {
	for _, item := range split(v, ";") {
		m := groupText.FindStringSubmatch(item)
		if m == nil {
			d.bad(DependencyGroups, fmt.Sprintf("%q is not a dependency group", item), `write "1 of resource:db-a, resource:db-b"`)
			continue
		}
		g := Group{}
		g.AtLeast, _ = strconv.Atoi(m[1])
		for _, text := range split(m[2], ",") {
			r := d.ref(text, "component", DependencyGroups, annotation(DependencyGroups))
			if r != "" && !slices.Contains(g.Of, r) {
				g.Of = append(g.Of, r)
			}
		}
		if g.AtLeast < 1 || g.AtLeast > len(g.Of) {
			d.bad(DependencyGroups, fmt.Sprintf("a group needs %d of %d members", g.AtLeast, len(g.Of)), "need at least 1 and at most as many as are listed")
			continue
		}
		d.e.Groups = append(d.e.Groups, g)
	}
}

// bad is a flaw in a value of ours: it would change what the file means, so the version is refused.
func (d *descriptor) bad(key, msg, remedy string) {
	d.flaws = append(d.flaws, Flaw{annotation(key), "own-keys", true, msg, remedy})
}

// unknownKeys tells names with our prefix that nothing reads: most are slips of the pen.
func (d *descriptor) unknownKeys() {
	for place, m := range map[string]map[string]string{"labels": d.e.Labels, "annotations": d.e.Annotations} {
		for k := range m {
			if !strings.HasPrefix(k, Prefix) || k == LabelTier {
				continue
			}
			i := slices.IndexFunc(Names, func(n Name) bool { return n.Key == k })
			switch {
			case i < 0:
				d.flaw("/metadata/"+place+"/"+escape(k), "own-keys", k+" is read by nothing", "see docs/org-directory.md for the names there are")
			case place == "labels":
				d.flaw("/metadata/labels/"+escape(k), "own-keys", k+" stands under labels", "move it to metadata.annotations")
			}
		}
	}
	slices.SortStableFunc(d.flaws, func(a, b Flaw) int { return strings.Compare(a.Path, b.Path) })
}

func annotation(key string) string { return "/metadata/annotations/" + escape(key) }

// split cuts a list apart, without empty entries.
func split(s, sep string) []string {
	var out []string
	for part := range strings.SplitSeq(s, sep) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
