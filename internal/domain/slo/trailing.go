package slo

// trailing is the running sums of one window that ends where its Meter's units end.
type trailing struct {
	length int64 // in units; 0 = the budget window, whose begin the plan places
	begin  int64 // first slot inside
	lanes  []lane
	leave  *stream // reads the units that leave, from begin on
	ahead  []Unit  // read in advance from it
	at     int     // how many of those have left
}

// readAhead is how many leaving units are read at once.
const readAhead = 16

// drop takes out all units before slot `begin`; `end` is where complete units end.
func (w *trailing) drop(p *Plan, begin, end int64) error {
	if w.begin >= begin {
		return nil
	}
	lanes := len(w.lanes)
	for w.begin < begin {
		if err := w.fill(p, end); err != nil {
			return err
		}
		for l := range w.lanes {
			w.lanes[l].add(w.ahead[w.at*lanes+l], versionAt(p.laneVersions(l), w.begin), -1)
		}
		w.at++
		w.begin += p.unitLen
	}
	for l := range w.lanes {
		w.lanes[l].forget(versionAt(p.laneVersions(l), w.begin))
	}
	return nil
}

// fill makes sure that the next leaving unit has been read, and some after it. Nothing past `end` is: it may change.
func (w *trailing) fill(p *Plan, end int64) error {
	lanes := len(w.lanes)
	if w.at*lanes < len(w.ahead) {
		return nil
	}
	n := int(min(readAhead, max(1, (end-w.begin)/p.unitLen)))
	if cap(w.ahead) < n*lanes {
		w.ahead = make([]Unit, n*lanes, readAhead*lanes)
	}
	w.ahead, w.at = w.ahead[:n*lanes], 0
	if err := w.leave.read(w.ahead); err != nil {
		w.ahead = w.ahead[:0]
		return err
	}
	return nil
}

// take adds the unit that begins at a slot to the end, unless the window begins later.
func (w *trailing) take(p *Plan, slot int64, unit []Unit) {
	if slot < w.begin {
		return
	}
	for l := range w.lanes {
		w.lanes[l].add(unit[l], versionAt(p.laneVersions(l), slot), 1)
	}
}

// takeAll adds units that begin at slot `at`, lanes side by side, as far as they lie in the window.
func (w *trailing) takeAll(p *Plan, at int64, units []Unit) {
	lanes := len(w.lanes)
	if skip := (w.begin - at) / p.unitLen; skip > 0 {
		if skip*int64(lanes) >= int64(len(units)) {
			return
		}
		units, at = units[skip*int64(lanes):], w.begin
	}
	for l := range w.lanes {
		vs := p.laneVersions(l)
		rest, from := units[l:], at
		for len(rest) > 0 {
			v := versionAt(vs, from)
			n := len(rest)
			if v+1 < len(vs) {
				n = min(n, int(-floorDiv(-(vs[v+1].from-from), p.unitLen))*lanes)
			}
			w.lanes[l].addAll(rest[:n], lanes, v)
			rest, from = rest[n:], from+int64((n+lanes-1)/lanes)*p.unitLen
		}
	}
}

// replace puts a changed unit in the place of what was added before, if it lies in the window.
func (w *trailing) replace(p *Plan, slot int64, before, after []Unit) {
	if slot < w.begin {
		return
	}
	for l := range w.lanes {
		v := versionAt(p.laneVersions(l), slot)
		w.lanes[l].add(before[l], v, -1)
		w.lanes[l].add(after[l], v, 1)
	}
	w.unread()
}

// unread forgets what was read in advance: it may have changed.
func (w *trailing) unread() {
	w.ahead, w.at = w.ahead[:0], 0
	w.leave = w.leave.again(w.begin)
}

func (w *trailing) reset(p *Plan, begin int64, leave *stream) {
	w.begin, w.leave, w.ahead, w.at = begin, leave, w.ahead[:0], 0
	w.lanes = make([]lane, p.lanes())
}

func (w *trailing) sums(p *Plan) Sums {
	if len(w.lanes) == 1 {
		return newSums(w.lanes[0].sums(p.versions))
	}
	lanes := make([]Sums, len(w.lanes))
	for l := range w.lanes {
		lanes[l] = newSums(w.lanes[l].sums(p.laneVersions(l)))
	}
	return p.join(lanes)
}

// again is the same stream from another unit on.
func (s *stream) again(from int64) *stream { return newStream(s.plan, s.first, s.slots, s.fx, from) }
