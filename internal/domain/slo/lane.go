package slo

// lane is the running sums of one row of units over a window: events per target version, never allowances (§0).
type lane struct {
	bad   exactSum
	valid float64
	// totals[i] belongs to version base+i.
	totals []exactSum
	base   int
}

// add takes a unit in, or with sign -1 out again. v is the version in force at the unit.
func (l *lane) add(u Unit, v int, sign float64) {
	l.bad.add(sign * u.Bad)
	l.valid += sign * u.ValidS
	l.of(v).add(sign * u.Total)
}

// addAll takes every stride-th unit in, all under version v.
func (l *lane) addAll(units []Unit, stride, v int) {
	bad, total, valid := l.bad, *l.of(v), l.valid
	for i := 0; i < len(units); i += stride {
		bad.add(units[i].Bad)
		total.add(units[i].Total)
		valid += units[i].ValidS
	}
	l.bad, l.valid = bad, valid
	*l.of(v) = total
}

// of is the total under version v.
func (l *lane) of(v int) *exactSum {
	if len(l.totals) == 0 {
		l.base = v
	}
	for v >= l.base+len(l.totals) {
		l.totals = append(l.totals, exactSum{})
	}
	for v < l.base {
		l.totals = append([]exactSum{{}}, l.totals...)
		l.base--
	}
	return &l.totals[v-l.base]
}

// forget drops what versions before v counted: their last unit has left the window.
func (l *lane) forget(v int) {
	for len(l.totals) > 1 && l.base < v {
		l.totals = l.totals[1:]
		l.base++
	}
}

func (l *lane) sums(versions []version) (bad, total, allowed, valid float64) {
	for i, t := range l.totals {
		total += t.value()
		allowed += t.value() * versions[l.base+i].cost
	}
	return l.bad.value(), total, allowed, l.valid
}

// versionAt is the index of the version in force at slot n.
func versionAt(versions []version, n int64) int {
	i := len(versions) - 1
	for i > 0 && versions[i].from > n {
		i--
	}
	return i
}

// join makes one window of the sums of all lanes (§7): of an openslo composite the burn is the weighted sum of its
// parts' and the counts are plain sums.
func (p *Plan) join(lanes []Sums) Sums {
	if p.kind != OpenSLO {
		return lanes[0]
	}
	out := Sums{composed: true}
	for i, l := range lanes {
		out.Bad += l.Bad
		out.Total += l.Total
		out.Allowed += l.Allowed
		out.ValidS = max(out.ValidS, l.ValidS)
		out.Clamped = out.Clamped || l.Clamped
		out.Burn += p.parts[i].weight * l.Burn
	}
	return out
}
