package ledger

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
)

// Projection is a table, or a few, derived from the facts. It is written in the transaction that records a fact and can be
// dropped and rebuilt at any time, so Apply must be deterministic: it sees the fact (free texts by digest only) and its own
// tables, and nothing else. All its tables and indexes are named Name_..., with nothing else in the schema so named.
type Projection struct {
	Name    string       // lower-case letters and digits, "incidents"
	Version int          // raise it when Schema or the meaning of Apply changes: the tables are rebuilt from fact 1
	Schema  string       // CREATE TABLE and CREATE INDEX statements, portable, separated by ";"
	Kinds   []event.Kind // which facts it sees; empty = all
	Apply   func(ctx context.Context, q db.Q, e event.Event) error
	// ApplyAll, where set, is called instead of Apply with a run of facts in order: for what is cheaper in bulk. Its outcome
	// must not depend on how the facts are cut into runs.
	ApplyAll func(ctx context.Context, q db.Q, es []event.Event) error
}

// projection is one in use.
type projection struct {
	Projection
	sees map[event.Kind]bool // nil = all
}

var (
	projectionName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)
	createTable    = regexp.MustCompile(`(?i)\bCREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?([a-z0-9_]+)`)
	createIndex    = regexp.MustCompile(`(?i)\bCREATE\s+(?:UNIQUE\s+)?INDEX\s+(?:IF\s+NOT\s+EXISTS\s+)?([a-z0-9_]+)\s+ON\s+([a-z0-9_]+)`)
)

func checkProjections(ps []Projection) error {
	seen := map[string]bool{}
	for _, p := range ps {
		if !projectionName.MatchString(p.Name) || strings.HasPrefix(p.Name, "ledger") || p.Name == "fact" || p.Name == "lease" {
			return fmt.Errorf("projection %q: the name must be lower-case letters and digits, and not the ledger's own", p.Name)
		}
		if seen[p.Name] {
			return fmt.Errorf("projection %s is listed twice", p.Name)
		}
		seen[p.Name] = true
		if p.Version < 1 || p.Apply == nil && p.ApplyAll == nil {
			return fmt.Errorf("projection %s needs a Version from 1 on, and Apply or ApplyAll", p.Name)
		}
		names := p.Tables()
		if len(names) == 0 {
			return fmt.Errorf("projection %s creates no table", p.Name)
		}
		for _, m := range createIndex.FindAllStringSubmatch(p.Schema, -1) {
			names = append(names, m[1], m[2])
		}
		for _, n := range names {
			if !strings.HasPrefix(n, p.Name+"_") {
				return fmt.Errorf("projection %s: %s must be named with the prefix %s_", p.Name, n, p.Name)
			}
		}
	}
	return nil
}

// Tables lists the tables of the schema, in its order.
func (p Projection) Tables() []string {
	var out []string
	for _, m := range createTable.FindAllStringSubmatch(p.Schema, -1) {
		out = append(out, strings.ToLower(m[1]))
	}
	return out
}

func (p Projection) use() *projection {
	u := &projection{Projection: p}
	if len(p.Kinds) > 0 {
		u.sees = map[event.Kind]bool{}
		for _, k := range p.Kinds {
			u.sees[k] = true
		}
	}
	return u
}

// apply shows the projection the events it sees, in order.
func (p *projection) apply(ctx context.Context, q db.Q, es []event.Event) error {
	if p.sees != nil {
		es = slices.DeleteFunc(slices.Clone(es), func(e event.Event) bool { return !p.sees[e.Kind] })
	}
	if len(es) == 0 {
		return nil
	}
	if p.ApplyAll != nil {
		if err := p.ApplyAll(ctx, q, es); err != nil {
			return fmt.Errorf("project facts %d to %d into %s: %w", es[0].Seq, es[len(es)-1].Seq, p.Name, err)
		}
		return nil
	}
	for _, e := range es {
		if err := p.Apply(ctx, q, e); err != nil {
			return fmt.Errorf("project fact %d into %s: %w", e.Seq, p.Name, err)
		}
	}
	return nil
}

// project shows the new facts to every live projection.
func (c *commit) project(ctx context.Context, fresh []*record) error {
	if len(fresh) == 0 {
		return nil
	}
	es := make([]event.Event, len(fresh))
	for i, r := range fresh {
		es[i] = r.event
	}
	for _, p := range c.st.live {
		if err := p.apply(ctx, c.q, es); err != nil {
			return err
		}
	}
	return nil
}

// mark is what the ledger knows of a projection's tables.
type mark struct {
	version int
	applied int64 // the last fact in the tables
	gen     int64 // of the tables' making; names the indexes
	tables  []string
}

func readMarks(ctx context.Context, q db.Q) (map[string]mark, error) {
	rows, err := q.QueryContext(ctx, "SELECT name, version, applied, gen, tables FROM ledger_projection")
	if err != nil {
		return nil, fmt.Errorf("read projections: %w", err)
	}
	defer rows.Close()
	out := map[string]mark{}
	for rows.Next() {
		var name, tables string
		var m mark
		if err := rows.Scan(&name, &m.version, &m.applied, &m.gen, &tables); err != nil {
			return nil, fmt.Errorf("read projections: %w", err)
		}
		m.tables = strings.Fields(tables)
		out[name] = m
	}
	return out, rows.Err()
}

func writeMark(ctx context.Context, q db.Q, name string, m mark) error {
	_, err := q.ExecContext(ctx, `INSERT INTO ledger_projection (name, version, applied, gen, tables) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (name) DO UPDATE SET version = excluded.version, applied = excluded.applied, gen = excluded.gen, tables = excluded.tables`,
		name, m.version, m.applied, m.gen, strings.Join(m.tables, " "))
	if err != nil {
		return fmt.Errorf("mark projection %s: %w", name, err)
	}
	return nil
}

// markApplied notes that the live projections hold everything up to seq.
func markApplied(ctx context.Context, q db.Q, live []*projection, seq int64) error {
	if len(live) == 0 {
		return nil
	}
	args := []any{seq}
	for _, p := range live {
		args = append(args, p.Name)
	}
	_, err := q.ExecContext(ctx, "UPDATE ledger_projection SET applied = $1 WHERE name IN ("+db.In(2, len(live))+")", args...)
	if err != nil {
		return fmt.Errorf("mark projections: %w", err)
	}
	return nil
}

// liveProjections are those whose tables have our version. What another process appended without them is applied first.
// One that a newer program has rebuilt meanwhile is left to it.
func (l *Ledger) liveProjections(ctx context.Context, q db.Q, head int64) ([]*projection, error) {
	marks, err := readMarks(ctx, q)
	if err != nil {
		return nil, err
	}
	var live []*projection
	for _, p := range l.opt.Projections {
		m, ok := marks[p.Name]
		if !ok || m.version != p.Version {
			l.log.Warn("projection belongs to another version of the program; its tables stay as they are", "projection", p.Name, "ours", p.Version, "theirs", m.version)
			continue
		}
		u := p.use()
		if err := l.catchUp(ctx, q, q, u, m.applied, head); err != nil {
			return nil, err
		}
		if m.applied < head {
			if err := markApplied(ctx, q, []*projection{u}, head); err != nil {
				return nil, err
			}
		}
		live = append(live, u)
	}
	return live, nil
}

// catchUp applies the facts after `after` up to `to`, read from q, to the tables behind into.
func (l *Ledger) catchUp(ctx context.Context, q, into db.Q, p *projection, after, to int64) error {
	for after < to {
		es, last, err := readPage(ctx, q, after, to, p.Kinds, pageSize)
		if err != nil {
			return err
		}
		if err := p.apply(ctx, into, es); err != nil {
			return err
		}
		after = last
	}
	return nil
}

// Names lists the projections in use, the ledger's own first.
func (l *Ledger) Names() []string {
	out := make([]string, len(l.opt.Projections))
	for i, p := range l.opt.Projections {
		out[i] = p.Name
	}
	return out
}

func (l *Ledger) named(name string) (Projection, error) {
	for _, p := range l.opt.Projections {
		if p.Name == name {
			return p, nil
		}
	}
	return Projection{}, kit.Errorf(kit.NotFound, "no projection %q; there are %s", name, strings.Join(l.Names(), ", "))
}
