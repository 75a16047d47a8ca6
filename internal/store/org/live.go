package org

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strings"
	"sync"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
)

// LiveOptions say what a Live does with the versions it reads.
type LiveOptions struct {
	Options
	InForce InForce          // what the ledger holds (projection.CatalogInForce); zero = nothing yet
	Now     func() time.Time // required
	Every   time.Duration    // between looks; 0 = 2 s
	History *History         // nil = no versions are kept
	Log     *slog.Logger     // nil = none
	// Record appends facts in one batch and returns the seq of the last. nil records nothing. When it fails the version is
	// not applied, and tried again at the next look.
	Record func(context.Context, []event.Event) (last int64, err error)
	// Applied is called after a version came into force, one call at a time. nil calls nothing.
	Applied func(*Directory)
}

// Refusal is a version that was read and not taken.
type Refusal struct {
	At       time.Time
	Version  string
	Digest   string
	Problems []kit.Problem // errors and the rest, by place
}

// Live is an org directory that is watched: a good version replaces the one in force, a bad one never does.
type Live struct {
	dir string
	o   LiveOptions

	turn    sync.Mutex // one look at a time; guards what follows
	inForce InForce
	stamps  map[string]Stamp // at the last look
	settled bool             // and they were read as they are
	retry   bool             // the last reading could not be recorded
	tried   string           // digest of the last reading
	quiet   int              // looks since then

	mu      sync.RWMutex // guards what readers ask for
	current *Directory
	refused *Refusal
}

// Open reads the directory for the first time and records it. If it has errors, the version in force comes back from the
// history and the directory counts as refused; without one that is an error (kit.Invalid) that tells the first problems.
func Open(ctx context.Context, dir string, o LiveOptions) (*Live, error) {
	if o.Every == 0 {
		o.Every = 2 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	l := &Live{dir: dir, o: o, inForce: o.InForce}
	l.turn.Lock()
	defer l.turn.Unlock()
	l.stamps = l.look()
	d, problems := l.load()
	if !Failed(problems) {
		l.settled = true
		return l, l.apply(ctx, d)
	}
	last, err := l.restore()
	if err != nil {
		return nil, refusalError(dir, problems)
	}
	l.set(last, nil)
	l.settled = true
	return l, l.refuse(ctx, d, problems)
}

// refusalError tells why a directory cannot be used at all.
func refusalError(dir string, problems []kit.Problem) error {
	var b strings.Builder
	n := 0
	for _, p := range problems {
		if p.Severity == kit.SeverityError {
			if n++; n <= 10 {
				b.WriteString("\n  " + p.String())
			}
		}
	}
	return &kit.Error{Code: kit.Invalid, Msg: fmt.Sprintf("org directory %s has %s and no earlier version to go on with%s", dir, plural(n, "error"), &b),
		Hint: "mend them; evenkeel lint " + dir + " shows all"}
}

// restore reads the version in force from the history.
func (l *Live) restore() (*Directory, error) {
	if l.o.History == nil || l.inForce.Digest == "" {
		return nil, kit.Errorf(kit.NotFound, "no version is kept")
	}
	v, err := l.o.History.Find(l.inForce.Digest)
	if err != nil {
		return nil, err
	}
	files, err := l.o.History.Files(v)
	if err != nil {
		return nil, err
	}
	d, problems := load(l.dir, files, nil, l.o.Options)
	if Failed(problems) { // a rule has become stricter since
		return nil, kit.Errorf(kit.Invalid, "version %s has errors", v.Version)
	}
	d.Version = v.Version
	return d, nil
}

// Current is the version in force, never nil.
func (l *Live) Current() *Directory {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.current
}

// Refused is the version that now lies in the directory and was not taken; nil when the one in force lies there.
func (l *Live) Refused() *Refusal {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.refused
}

// History is where versions are kept; nil when they are not.
func (l *Live) History() *History { return l.o.History }

func (l *Live) set(d *Directory, r *Refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current, l.refused = d, r
}

// Run looks at the directory until ctx ends. Failures to record are logged and tried again.
func (l *Live) Run(ctx context.Context) {
	tick := time.NewTicker(l.o.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := l.Look(ctx); err != nil && ctx.Err() == nil {
				l.o.Log.Error("org directory version not recorded; trying again", "dir", l.dir, "err", err)
			}
		}
	}
}

// Look looks at the directory once. Files whose names, sizes and times changed are read when a second look finds them
// still the same, so that half a checkout or half an editor's write is not taken for a version.
func (l *Live) Look(ctx context.Context) error {
	l.turn.Lock()
	defer l.turn.Unlock()
	stamps := l.look()
	if !maps.Equal(stamps, l.stamps) {
		l.stamps, l.settled = stamps, false
		return nil
	}
	if l.quiet++; l.settled && !l.retry && (l.quiet%rereadAfter != 0 || l.digest() == l.tried) {
		return nil
	}
	d, problems := l.load()
	if now := l.look(); !maps.Equal(now, stamps) { // it moves on while we read
		l.stamps, l.settled = now, false
		return nil
	}
	l.settled = true
	return l.take(ctx, d, problems)
}

// rereadAfter is after how many quiet looks all files are digested: a change may keep size and time.
const rereadAfter = 30

// digest reads the files without understanding them; "" when the directory cannot be opened.
func (l *Live) digest() string {
	root, err := os.OpenRoot(l.dir)
	if err != nil {
		return ""
	}
	defer func() { _ = root.Close() }() // read only
	found := list(root)
	return digestOf(found.read(root))
}

// Reload reads the directory now, whatever its files look like from outside. kit.Invalid when the version is refused.
func (l *Live) Reload(ctx context.Context) error {
	l.turn.Lock()
	defer l.turn.Unlock()
	l.stamps, l.settled = l.look(), true
	d, problems := l.load()
	if err := l.take(ctx, d, problems); err != nil {
		return err
	}
	if r := l.Refused(); r != nil {
		return refused(r)
	}
	return nil
}

func refused(r *Refusal) error {
	n := count(r.Problems)[kit.SeverityError]
	return &kit.Error{Code: kit.Invalid, Msg: fmt.Sprintf("version %s of the org directory has %s and is not taken", r.Version, plural(n, "error")), Hint: "evenkeel lint shows them"}
}

// take brings a version that was read into force, or refuses it; one that was taken or refused already changes nothing.
func (l *Live) take(ctx context.Context, d *Directory, problems []kit.Problem) error {
	current, last := l.Current(), l.Refused()
	switch {
	case Failed(problems) && last != nil && last.Digest == d.Digest && !l.retry:
		return nil
	case Failed(problems):
		return l.refuse(ctx, d, problems)
	case d.Digest == current.Digest && !l.retry:
		l.set(current, nil)
		return nil
	}
	return l.apply(ctx, d)
}

// look lists the files from outside; what cannot be listed is an empty stamp under its name, so that it shows as a change.
func (l *Live) look() map[string]Stamp {
	root, err := os.OpenRoot(l.dir)
	if err != nil {
		return map[string]Stamp{"": {}}
	}
	defer func() { _ = root.Close() }() // read only
	found := list(root)
	for _, p := range found.problems {
		found.stamps[p.File+"\x00"+p.Rule] = Stamp{}
	}
	if found.refused != nil {
		found.stamps[""] = Stamp{}
	}
	return found.stamps
}

// load reads the directory. One that held services and is now without a file is refused: a lost mount or a checkout under
// way would otherwise remove everything.
func (l *Live) load() (*Directory, []kit.Problem) {
	d, problems := Load(l.dir, l.o.Options)
	l.tried, l.quiet = d.Digest, 0
	if len(d.Files) == 0 && !Failed(problems) && len(l.inForce.Entities) > 0 {
		problems = append(problems, kit.Problem{File: l.dir, Severity: kit.SeverityError, Rule: "empty-directory", Msg: "no file is left in the org directory", Remedy: "if that is meant, leave an evenkeel.yaml in it"})
	}
	return d, problems
}

// apply records a good version, then brings it into force.
func (l *Live) apply(ctx context.Context, d *Directory) error {
	now := l.o.Now()
	facts, next := Facts(l.inForce, d, now)
	next.Seq = l.inForce.Seq
	if err := l.record(ctx, facts, &next); err != nil {
		return fmt.Errorf("apply version %s of the org directory: %w", d.Version, err)
	}
	if l.o.History != nil {
		if err := l.o.History.Save(d, now, false, nil); err != nil {
			l.o.Log.Error("org directory version not kept", "version", d.Version, "err", err)
		}
	}
	l.inForce = next
	l.set(d, nil)
	if len(facts) > 0 {
		l.o.Log.Info("org directory applied", "version", d.Version, "files", len(d.Files), "entities", d.Catalog.Len(), "objectives", len(d.Objectives), "facts", len(facts))
	}
	if l.o.Applied != nil {
		l.o.Applied(d)
	}
	return nil
}

// refuse records a bad version; the one in force stays.
func (l *Live) refuse(ctx context.Context, d *Directory, problems []kit.Problem) error {
	now := l.o.Now()
	r := &Refusal{At: now, Version: d.Version, Digest: d.Digest, Problems: problems}
	l.set(l.Current(), r)
	f := &event.CatalogRefused{Digest: d.Digest, Source: d.Path, InForce: l.inForce.Version}
	for _, p := range problems {
		if p.Severity != kit.SeverityError {
			continue
		}
		if f.Errors++; len(f.Problems) < 50 {
			f.Problems = append(f.Problems, p.String())
		}
	}
	l.o.Log.Warn("org directory refused; the last good version stays in force", "version", d.Version, "errors", f.Errors, "first", f.Problems[0], "inForce", l.inForce.Version)
	key := fmt.Sprintf("org:%d:%s:refused", l.inForce.Seq, d.Digest)
	if err := l.record(ctx, []event.Event{fact(f, "org:", now, key)}, &InForce{}); err != nil {
		return fmt.Errorf("refuse version %s of the org directory: %w", d.Version, err)
	}
	if l.o.History != nil {
		if err := l.o.History.Save(d, now, true, problems); err != nil {
			l.o.Log.Error("org directory version not kept", "version", d.Version, "err", err)
		}
	}
	return nil
}

// record appends facts and notes where the last of them stands.
func (l *Live) record(ctx context.Context, facts []event.Event, next *InForce) error {
	l.retry = false
	if l.o.Record == nil || len(facts) == 0 {
		return nil
	}
	last, err := l.o.Record(ctx, facts)
	if err != nil {
		l.retry = true
		return err
	}
	next.Seq = last
	return nil
}
