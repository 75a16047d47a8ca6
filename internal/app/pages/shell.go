package pages

import (
	"context"
	"strings"

	"evenkeel.dev/evenkeel/internal/web"
)

func (d *Desk) shell(ctx context.Context) (web.Shell, error) {
	dir, snap := d.directory(), d.Budget.Now()
	out := web.Shell{Org: dir.Config.Organisation, Demo: d.Demo, Zone: d.stands().zone, Evaluated: snap.At, Facts: d.Ledger.Head().Seq, Refused: d.refused()}
	if out.Org == "" {
		out.Org = "Evenkeel"
	}
	out.Leader, out.Heard, out.Gone = d.Leader(ctx)
	published, err := d.Ledger.Publications(ctx, 1)
	if err != nil {
		return web.Shell{}, err
	}
	if len(published) > 0 {
		out.Checkpoint = published[0].At
	}
	if v := d.verdict.Load(); v != nil {
		out.Verified, out.Broken = v.At, v.Break
	}
	for _, s := range d.Telemetry() {
		out.Sources++
		if !s.Silent && s.Error == "" {
			out.Fresh++
		}
	}
	return out, nil
}

// search finds services, objectives and files by a part of their names, services first.
func (d *Desk) search(_ context.Context, words string, limit int) ([]web.Hit, error) {
	words = strings.ToLower(strings.TrimSpace(words))
	var out []web.Hit
	add := func(text string, h web.Hit) {
		if len(out) < limit && strings.Contains(strings.ToLower(text), words) {
			out = append(out, h)
		}
	}
	dir := d.directory()
	for _, e := range dir.Catalog.OfKind("Component") {
		add(e.Name+" "+e.Title, web.Hit{Label: e.Ref.Short(), Href: "/services/" + e.Ref.Short(), Hint: "Service"})
	}
	for _, o := range dir.Objectives {
		add(o.Name+" "+o.Title, web.Hit{Label: o.Name, Href: "/objectives/" + o.Name, Hint: "Objective"})
	}
	for _, e := range dir.Catalog.OfKind("Group") {
		add(e.Name+" "+e.Title, web.Hit{Label: handle(e.Ref), Href: "/services?owner=" + e.Name, Hint: "Team"})
	}
	for _, f := range dir.Files {
		add(f.Path, web.Hit{Label: f.Path, Href: "/organisation/file?path=" + f.Path, Hint: "File"})
	}
	return out, nil
}
