package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
)

// Filter selects facts; conditions add up, the zero Filter selects all.
type Filter struct {
	Kinds   []event.Kind
	About   event.Ref
	By      string
	Words   []string  // each occurs in the fact's kind, subject, author or body, in any case; free texts are not looked at
	At      kit.Range // when it happened; a zero From or To leaves that side open
	KnownAt time.Time // only what was recorded by then: the ledger as it stood at that time; zero = now
	Before  Cursor    // only facts that come later in the list: the Next of the page before
	Limit   int       // 1 to MaxFind; 0 = 100
}

// MaxFind bounds a page of Find.
const MaxFind = 1000

// MaxLook bounds how many facts one page of Find with Words looks through, where no time is given: the Next of a page
// goes on, even of an empty one.
const MaxLook = 200_000

// Cursor is the place where a page ended. The zero Cursor is the list's start.
type Cursor struct {
	At  time.Time // only of lists by time
	Seq int64
}

// Found is a page of facts, with their free texts.
type Found struct {
	Events []event.Event
	More   bool
	Next   Cursor // pass it as Before for the next page
}

// Find lists facts, newest first: by when they happened where the filter has an At, else by when they were recorded.
func (l *Ledger) Find(ctx context.Context, f Filter) (Found, error) {
	if f.Limit < 0 || f.Limit > MaxFind {
		return Found{}, kit.Errorf(kit.Invalid, "a page holds 1 to %d facts, not %d", MaxFind, f.Limit)
	}
	if f.Limit == 0 {
		f.Limit = 100
	}
	q := l.db.Read()
	where, args, err := f.where(ctx, q, f.kindColumn(l.opt.Now()))
	if err != nil {
		return Found{}, fmt.Errorf("find facts: %w", err)
	}
	low, err := f.low(ctx, q)
	if err != nil {
		return Found{}, fmt.Errorf("find facts: %w", err)
	}
	if low > 1 {
		args = append(args, low)
		where += fmt.Sprintf(" AND seq >= $%d", len(args))
	}
	args = append(args, f.Limit+1)
	order := " ORDER BY seq DESC"
	if f.byTime() {
		order = " ORDER BY at_us DESC, seq DESC"
	}
	rs, err := readRecords(ctx, q, where+order+fmt.Sprintf(" LIMIT $%d", len(args)), args...)
	if err != nil {
		return Found{}, fmt.Errorf("find facts: %w", err)
	}
	out := Found{Events: []event.Event{}}
	if len(rs) > f.Limit {
		rs, out.More = rs[:f.Limit], true
	}
	for _, r := range rs {
		e, err := r.decode()
		if err != nil {
			return Found{}, fmt.Errorf("find facts: %w", err)
		}
		out.Events = append(out.Events, e)
	}
	if n := len(out.Events); n > 0 {
		out.Next = Cursor{Seq: out.Events[n-1].Seq}
		if f.byTime() {
			out.Next.At = out.Events[n-1].At
		}
	}
	if low > 1 && !out.More {
		out.More, out.Next = true, Cursor{Seq: low}
	}
	return out, resolve(ctx, q, out.Events)
}

// low is the last fact that a search for words looks at; 0 = all of them.
func (f Filter) low(ctx context.Context, q db.Q) (int64, error) {
	if len(f.Words) == 0 || f.byTime() {
		return 0, nil
	}
	top := f.Before.Seq
	if top == 0 {
		head, err := readHead(ctx, q, "")
		if err != nil {
			return 0, err
		}
		top = head.Seq + 1
	}
	return top - MaxLook, nil
}

func (f Filter) byTime() bool { return !f.At.From.IsZero() || !f.At.To.IsZero() }

// fewDays is up to how long a stretch of time is searched for kinds from its end on. Going through all facts of the kinds
// instead, and sorting them by time, takes the longer the more of them the ledger ever held.
const fewDays = 62 * 24 * time.Hour

// kindColumn is how the kind stands in a condition: as an expression where its index is not to be used.
func (f Filter) kindColumn(now time.Time) string {
	to := f.At.To
	if to.IsZero() {
		to = now
	}
	if f.At.From.IsZero() || to.Sub(f.At.From) > fewDays || f.About != "" || f.By != "" {
		return "kind"
	}
	return "kind || ''"
}

// where writes the filter's conditions and their arguments.
func (f Filter) where(ctx context.Context, q db.Q, kind string) (string, []any, error) {
	var conds []string
	var args []any
	add := func(cond string, vs ...any) { // $? stands for the next argument
		for _, v := range vs {
			args = append(args, v)
			cond = strings.Replace(cond, "$?", fmt.Sprintf("$%d", len(args)), 1)
		}
		conds = append(conds, cond)
	}
	if n := len(f.Kinds); n > 0 {
		vs := make([]any, n)
		for i, k := range f.Kinds {
			vs[i] = string(k)
		}
		add(kind+" IN ("+strings.TrimSuffix(strings.Repeat("$?,", n), ",")+")", vs...)
	}
	if f.About != "" {
		add("about = $?", string(f.About))
	}
	if f.By != "" {
		add("actor = $?", f.By)
	}
	for _, w := range f.Words {
		like := "%" + likeEscape.Replace(strings.ToLower(w)) + "%"
		add(`(LOWER(kind) LIKE $? ESCAPE '\' OR LOWER(about) LIKE $? ESCAPE '\' OR LOWER(actor) LIKE $? ESCAPE '\' OR LOWER(body) LIKE $? ESCAPE '\')`, like, like, like, like)
	}
	if !f.At.From.IsZero() {
		add("at_us >= $?", f.At.From.UnixMicro())
	}
	if !f.At.To.IsZero() {
		add("at_us < $?", f.At.To.UnixMicro())
	}
	if !f.KnownAt.IsZero() {
		last, err := lastSeenBy(ctx, q, f.KnownAt)
		if err != nil {
			return "", nil, err
		}
		add("seq <= $?", last)
	}
	switch {
	case f.Before == Cursor{}:
	case f.byTime():
		add("(at_us, seq) < ($?, $?)", micros(f.Before.At), f.Before.Seq)
	default:
		add("seq < $?", f.Before.Seq)
	}
	if len(conds) == 0 {
		add("seq > $?", 0)
	}
	return strings.Join(conds, " AND "), args, nil
}

var likeEscape = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// lastSeenBy is the newest fact recorded at or before t, 0 for none: Seen grows with seq, so it is found by halving.
func lastSeenBy(ctx context.Context, q db.Q, t time.Time) (int64, error) {
	row, err := readHead(ctx, q, "")
	if err != nil {
		return 0, err
	}
	lo, hi := int64(0), row.Seq // the answer lies in [lo, hi]
	for lo < hi {
		mid := lo + (hi-lo+1)/2
		var seen int64
		err := q.QueryRowContext(ctx, "SELECT seen_us FROM fact WHERE seq = $1", mid).Scan(&seen)
		if errors.Is(err, sql.ErrNoRows) {
			return 0, fmt.Errorf("fact %d is missing; run ledger verify", mid)
		}
		if err != nil {
			return 0, err
		}
		if seen <= t.UnixMicro() {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return lo, nil
}

// LastSeenBy is the seq of the newest fact recorded at or before t, 0 for none: the ledger as it stood then.
func (l *Ledger) LastSeenBy(ctx context.Context, t time.Time) (int64, error) {
	return lastSeenBy(ctx, l.db.Read(), t)
}

// Bounds of a chain.
const (
	maxChain = 200 // facts a side
	maxDepth = 32
)

// Chain follows a fact's causes back and its effects forward, through as many steps as there are up to 32, at most 200 facts
// a side; both in the order they were recorded, the fact itself in neither. kit.NotFound when there is no such fact.
func (l *Ledger) Chain(ctx context.Context, seq int64) (causes, effects []event.Event, err error) {
	start, err := l.Get(ctx, seq)
	if err != nil {
		return nil, nil, err
	}
	if causes, err = l.back(ctx, start); err != nil {
		return nil, nil, fmt.Errorf("follow the causes of fact %d: %w", seq, err)
	}
	if effects, err = l.forward(ctx, seq); err != nil {
		return nil, nil, fmt.Errorf("follow the effects of fact %d: %w", seq, err)
	}
	return causes, effects, nil
}

// back follows Cause, one step of the chain a statement.
func (l *Ledger) back(ctx context.Context, from event.Event) ([]event.Event, error) {
	met := map[int64]bool{from.Seq: true}
	next := from.Cause
	var seqs []int64
	for depth := 0; depth < maxDepth && len(next) > 0; depth++ {
		var step []int64
		for _, c := range next {
			if !met[c] && len(seqs)+len(step) < maxChain {
				met[c] = true
				step = append(step, c)
			}
		}
		es, err := l.some(ctx, step)
		if err != nil {
			return nil, err
		}
		next = nil
		for _, e := range es {
			seqs = append(seqs, e.Seq)
			next = append(next, e.Cause...)
		}
	}
	return l.some(ctx, seqs)
}

func (l *Ledger) forward(ctx context.Context, from int64) ([]event.Event, error) {
	rows, err := l.db.Read().QueryContext(ctx, `WITH RECURSIVE step (seq, depth) AS (
			SELECT effect, 1 FROM causes_edge WHERE cause = $1
			UNION
			SELECT e.effect, s.depth + 1 FROM causes_edge e JOIN step s ON e.cause = s.seq WHERE s.depth < $2)
		SELECT DISTINCT seq FROM step ORDER BY seq LIMIT $3`, from, maxDepth, maxChain)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var seqs []int64
	for rows.Next() {
		var s int64
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		seqs = append(seqs, s)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return l.some(ctx, seqs)
}

// some reads facts by seq, in order, with their texts.
func (l *Ledger) some(ctx context.Context, seqs []int64) ([]event.Event, error) {
	if len(seqs) == 0 {
		return []event.Event{}, nil
	}
	args := make([]any, len(seqs))
	for i, s := range seqs {
		args[i] = s
	}
	rs, err := readRecords(ctx, l.db.Read(), "seq IN ("+db.In(1, len(seqs))+") ORDER BY seq", args...)
	if err != nil {
		return nil, err
	}
	es := make([]event.Event, len(rs))
	for i, r := range rs {
		if es[i], err = r.decode(); err != nil {
			return nil, err
		}
	}
	return es, resolve(ctx, l.db.Read(), es)
}
