package slo

// thinly is the trickle rule's window in live evaluation: the fewest most recent units that hold 10 events, at most 3
// days. It is found by looking back, and then kept while somebody asks for it at every tick.
type thinly struct {
	trailing
	ready bool // the sums are those of the last tick
	asked bool // since the last unit
}

// take adds a new unit [slot, end) and drops what is no longer needed.
func (t *thinly) take(p *Plan, slot, end int64, unit []Unit) error {
	t.ready = t.ready && t.asked
	t.asked = false
	if !t.ready {
		return nil
	}
	t.trailing.take(p, slot, unit)
	if err := t.drop(p, end-unitsUp(trickleMost, p.unit)*p.unitLen, end); err != nil {
		return err
	}
	for t.begin < end {
		if err := t.fill(p, end); err != nil {
			return err
		}
		leaving := 0.0
		for l := range t.lanes {
			leaving += t.ahead[t.at*len(t.lanes)+l].Total
		}
		if t.events()-leaving < trickleEvents*(1-same) {
			return nil
		}
		if err := t.drop(p, t.begin+p.unitLen, end); err != nil {
			return err
		}
	}
	return nil
}

// events is the total of all lanes.
func (w *trailing) events() float64 {
	total := 0.0
	for _, l := range w.lanes {
		for _, t := range l.totals {
			total += t.value()
		}
	}
	return total
}

// find looks back from `end` for the window's begin and sums it.
func (t *thinly) find(p *Plan, base *stream, first, end int64) error {
	most := max(ceilTo(first, p.unitLen), end-unitsUp(trickleMost, p.unit)*p.unitLen)
	lanes := p.lanes()
	begin, total := end, 0.0
	buf := make([]Unit, 64*lanes)
	for begin > most && total < trickleEvents*(1-same) {
		n := min(64, (begin-most)/p.unitLen)
		chunk := buf[:n*int64(lanes)]
		if err := base.again(begin - n*p.unitLen).read(chunk); err != nil {
			return err
		}
		for i := n - 1; i >= 0 && total < trickleEvents*(1-same); i-- {
			for l := range lanes {
				total += chunk[int(i)*lanes+l].Total
			}
			begin -= p.unitLen
		}
	}
	t.reset(p, begin, base.again(begin))
	all := base.again(begin)
	for at := begin; at < end; {
		n := min(64, (end-at)/p.unitLen)
		chunk := buf[:n*int64(lanes)]
		if err := all.read(chunk); err != nil {
			return err
		}
		t.takeAll(p, at, chunk)
		at += n * p.unitLen
	}
	t.ready = true
	return nil
}

// meterView is the windows of a meter at its tick.
type meterView struct {
	m   *Meter
	err error
}

func (v *meterView) long(i int) Sums  { return v.m.windows[v.m.longs[i]].sums(v.m.plan) }
func (v *meterView) short(i int) Sums { return v.m.windows[v.m.shorts[i]].sums(v.m.plan) }

func (v *meterView) thin(int) Sums {
	m := v.m
	m.thinly.asked = true
	if !m.thinly.ready {
		if err := m.thinly.find(m.plan, m.newest, m.first, m.end); err != nil {
			v.err = err
			return Sums{}
		}
	}
	return m.thinly.sums(m.plan)
}
