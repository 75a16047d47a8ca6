package pages

import (
	"math"
	"sync"
	"time"

	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/store/org"
	"evenkeel.dev/evenkeel/internal/web"
)

// standing is how everything stood after one round, under one version of the org directory. It is made when a page first
// asks for it and shared by all pages until the next round; nobody changes anything in it.
type standing struct {
	snap       *budget.Snapshot
	dir        *org.Directory
	zone       *time.Location
	objectives []web.Objective                 // each group a row; an objective without any sample yet is a row too
	services   map[estate.Ref]serviceState     // by component; none for one without objectives
	of         map[estate.Ref][]*web.Objective // the rows by the component they belong to
	shape      func() shape                    // worked out when first asked for
}

// stands is the standing of now.
func (d *Desk) stands() *standing {
	snap, dir := d.Budget.Now(), d.directory()
	if s := d.last.Load(); s != nil && s.snap == snap && s.dir == dir {
		return s
	}
	s := &standing{snap: snap, dir: dir, zone: zoneOf(dir), services: map[estate.Ref]serviceState{}, of: map[estate.Ref][]*web.Objective{}}
	s.shape = sync.OnceValue(func() shape { return shapeOf(dir) })
	for _, o := range snap.Objectives {
		if len(o.Groups) == 0 {
			s.objectives = append(s.objectives, s.objective(o, nil))
		}
		for i := range o.Groups {
			s.objectives = append(s.objectives, s.objective(o, &o.Groups[i]))
		}
	}
	for i := range s.objectives {
		s.sum(&s.objectives[i])
	}
	d.last.Store(s)
	return s
}

// sum adds a row to what is known of its service: the worst speaks for it.
func (s *standing) sum(o *web.Objective) {
	e, ok := s.dir.Catalog.Service(o.Service)
	if !ok {
		return
	}
	s.of[e.Ref] = append(s.of[e.Ref], o)
	was, seen := s.services[e.Ref]
	was.objectives++
	if !seen || worse(o.State, was.state) {
		was.state = o.State
	}
	if !seen || o.Budget.Left < was.left || math.IsNaN(was.left) {
		was.worst, was.left = o, o.Budget.Left
	}
	was.burn = math.Max(was.burn, o.Burn)
	s.services[e.Ref] = was
}

// zoneOf is the organisation's zone.
func zoneOf(dir *org.Directory) *time.Location {
	if loc, err := time.LoadLocation(dir.Config.Zone); err == nil {
		return loc
	}
	return time.UTC
}
