package org

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
)

const component = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: NAME\n  description: The one and only\n  labels: {evenkeel.dev/tier: \"TIER\"}\nspec: {type: service, lifecycle: production, owner: user:ana}\n"

func service(name, tier string) string {
	return strings.NewReplacer("NAME", name, "TIER", tier).Replace(component)
}

// book is a ledger of the simplest kind.
type book struct {
	facts []event.Event
	fail  error
}

func (b *book) record(_ context.Context, es []event.Event) (int64, error) {
	if b.fail != nil {
		return 0, b.fail
	}
	for _, e := range es {
		if err := e.Fact.Check(); err != nil {
			return 0, err
		}
		if slices.ContainsFunc(b.facts, func(o event.Event) bool { return o.Key == e.Key }) {
			continue
		}
		b.facts = append(b.facts, e)
	}
	return int64(len(b.facts)), nil
}

func (b *book) kinds() []string {
	var out []string
	for _, e := range b.facts {
		out = append(out, string(e.Kind))
	}
	return out
}

// applied is the last catalog.applied, as "ref", "-ref" or "ref<was".
func (b *book) changed() []string {
	var out []string
	f, _ := b.facts[len(b.facts)-1].Fact.(*event.CatalogApplied)
	if f == nil {
		return nil
	}
	for _, c := range f.Changed {
		switch {
		case c.Removed:
			out = append(out, "-"+c.Ref)
		case c.Was != "":
			out = append(out, c.Ref+"<"+c.Was)
		default:
			out = append(out, c.Ref)
		}
	}
	return out
}

var start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

func open(t *testing.T, dir string, b *book, history *History, before InForce) *Live {
	t.Helper()
	l, err := Open(t.Context(), dir, LiveOptions{Record: b.record, History: history, InForce: before, Now: func() time.Time { return start }})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestABadVersionNeverReplacesAGoodOne(t *testing.T) {
	dir := write(t, map[string]string{"a.yaml": service("a", "1"), "ana.yaml": "kind: User\nmetadata: {name: ana}\n"})
	b := &book{}
	l := open(t, dir, b, nil, InForce{})
	good := l.Current()
	put(t, dir, "a.yaml", service("a", "9"))
	if err := l.Reload(t.Context()); kit.CodeOf(err) != kit.Invalid {
		t.Fatalf("reload of a bad version: %v", err)
	}
	if l.Current() != good || l.Refused() == nil || len(l.Refused().Problems) == 0 {
		t.Errorf("in force %s, refused %+v", l.Current().Version, l.Refused())
	}
	_ = l.Reload(t.Context()) // says the same again
	if d := cmp.Diff([]string{"catalog.applied", "catalog.refused"}, b.kinds()); d != "" {
		t.Error(d)
	}
	put(t, dir, "a.yaml", service("a", "2"))
	if err := l.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l.Refused() != nil || l.Current() == good {
		t.Error("the mended version is not in force")
	}
	if d := cmp.Diff([]string{"component:default/a"}, b.changed()); d != "" {
		t.Error(d)
	}
}

func TestRenamesKeepHistoryAndRemovalsLeaveTombstones(t *testing.T) {
	ana := "---\nkind: User\nmetadata: {name: ana}\n"
	dir := write(t, map[string]string{"a.yaml": service("cart", "1") + "---\n" + service("mail", "3") + ana})
	b := &book{}
	l := open(t, dir, b, nil, InForce{})
	step := func(text string, want ...string) {
		t.Helper()
		put(t, dir, "a.yaml", text+ana)
		if err := l.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, b.changed()); d != "" {
			t.Errorf("changes (-want +got):\n%s", d)
		}
	}
	step(service("basket", "1")+"---\n"+service("mail", "3"), "component:default/basket<component:default/cart", "-component:default/cart")
	moved := strings.Replace(service("post", "2"), "metadata:", "metadata:\n  annotations: {evenkeel.dev/was: mail}", 1)
	step(service("basket", "1")+"---\n"+moved, "-component:default/mail", "component:default/post<component:default/mail")
	step(service("basket", "1"), "-component:default/post")
	step("# only a comment\n---\n" + service("basket", "1"))
	put(t, dir, "a.yaml", "# nothing\n")
	if err := os.Remove(filepath.Join(dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := l.Reload(t.Context()); kit.CodeOf(err) != kit.Invalid || l.Current().Catalog.Len() != 2 {
		t.Errorf("an emptied directory was taken: %v", err)
	}
}

func TestAppliedTwiceIsRecordedOnceAlsoAfterARestart(t *testing.T) {
	dir := write(t, estateOf(40))
	b := &book{}
	l := open(t, dir, b, nil, InForce{})
	n := len(b.facts)
	if n != 41 { // the catalog and one objective a service
		t.Errorf("%d facts, want 41", n)
	}
	open(t, dir, b, nil, l.inForce)
	open(t, dir, b, nil, InForce{}) // a second replica that saw nothing yet
	if len(b.facts) != n {
		t.Errorf("%d facts more", len(b.facts)-n)
	}
}

func TestALargeVersionIsCutIntoPartsThatFitAFact(t *testing.T) {
	d, _ := Load(write(t, estateOf(300)), Options{})
	facts, next := Facts(InForce{}, d, start)
	seen := map[string]bool{}
	for _, e := range facts {
		if n := len(encoded(e.Fact)); n > 512<<10 {
			t.Errorf("a fact of %d bytes", n)
		}
		if f, ok := e.Fact.(*event.CatalogApplied); ok {
			for _, c := range f.Changed {
				seen[c.Ref] = true
			}
		}
	}
	if len(seen) != d.Catalog.Len() || len(next.Entities) != d.Catalog.Len() {
		t.Errorf("%d of %d entities", len(seen), d.Catalog.Len())
	}
	if again, _ := Facts(next, d, start); len(again) != 0 {
		t.Errorf("applying the same again makes %d facts", len(again))
	}
}

func TestWhatCannotBeRecordedIsNotAppliedAndTriedAgain(t *testing.T) {
	dir := write(t, map[string]string{"a.yaml": service("a", "1")})
	b := &book{}
	l := open(t, dir, b, nil, InForce{})
	good := l.Current()
	put(t, dir, "a.yaml", service("a", "2"))
	b.fail = errors.New("disk full")
	if err := l.Reload(t.Context()); err == nil || l.Current() != good {
		t.Fatalf("applied without a record: %v", err)
	}
	b.fail = nil
	if err := l.Look(t.Context()); err != nil || l.Current() == good {
		t.Errorf("not tried again: %v", err)
	}
}

func TestTheLastGoodVersionComesBackAtAStartWithErrors(t *testing.T) {
	h, err := OpenHistory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir := write(t, map[string]string{"a.yaml": service("a", "1")})
	b := &book{}
	l := open(t, dir, b, h, InForce{})
	put(t, dir, "a.yaml", "kind: [")
	if _, err := Open(t.Context(), dir, LiveOptions{Now: func() time.Time { return start }}); kit.CodeOf(err) != kit.Invalid || !strings.Contains(err.Error(), "a.yaml:1:") {
		t.Errorf("a first start with errors: %v", err)
	}
	again := open(t, dir, b, h, l.inForce)
	if again.Current().Digest != l.Current().Digest || again.Refused() == nil {
		t.Errorf("in force %+v, refused %+v", again.Current().Version, again.Refused())
	}
	versions, err := h.Versions()
	if err != nil || len(versions) != 2 || !versions[0].Refused {
		t.Fatalf("history %+v, %v", versions, err)
	}
	diffs, err := h.Diff(versions[1], versions[0])
	if err != nil || len(diffs) != 1 || diffs[0].How != "changed" || !strings.Contains(diffs[0].Text, "+kind: [") {
		t.Errorf("diff %+v, %v", diffs, err)
	}
}

func TestTheWatchTakesAChangeOnceItHasSettled(t *testing.T) {
	dir := write(t, map[string]string{"a.yaml": service("a", "1")})
	synctest.Test(t, func(t *testing.T) {
		b := &book{}
		applied := 0
		l, err := Open(t.Context(), dir, LiveOptions{Record: b.record, Now: time.Now, Applied: func(*Directory) { applied++ }})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); l.Run(ctx) }()
		pass := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		pass(10 * time.Second)
		put(t, dir, "b.yaml", service("b", "1"))
		pass(2 * time.Second)
		if applied != 1 {
			t.Errorf("applied %d times before the change settled", applied)
		}
		pass(2 * time.Second)
		if applied != 2 || l.Current().Catalog.Len() != 2 {
			t.Errorf("applied %d times, %d entities", applied, l.Current().Catalog.Len())
		}
		// Same size, same time: found by digest within a minute.
		path := filepath.Join(dir, "b.yaml")
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, "b.yaml", service("b", "3"))
		if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
		pass(62 * time.Second)
		if applied != 3 {
			t.Errorf("applied %d times after a change that keeps size and time", applied)
		}
		stop()
		<-done
	})
}
