package ledger_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

func key(t testing.TB) *ledger.Key {
	t.Helper()
	k, err := ledger.OpenKey(filepath.Join(t.TempDir(), "key"), "example.org/test")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func verify(t testing.TB, d *db.DB, k *ledger.Key, older ...[]byte) ledger.Report {
	t.Helper()
	r, err := ledger.Verify(t.Context(), d, ledger.VerifyOptions{Key: k.Verifier, Older: older})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// amend is a fact with a free text.
func amend(target int64, reason string) event.Event {
	return event.Event{By: "user:ana", About: "source:prom", Fact: &event.EventAmended{Target: target, Set: map[string]any{"reason": "dns"}, Reason: event.NewText(reason)}}
}

// filled is a ledger of n facts, of which every tenth has a free text.
func filled(t testing.TB, d *db.DB, k *ledger.Key, n int) *ledger.Ledger {
	t.Helper()
	l := open(t, d, ledger.Options{Key: k})
	var es []event.Event
	for i := 1; i <= n; i++ {
		e := gap(fmt.Sprint(i))
		if i%10 == 0 {
			e = amend(int64(i-1), fmt.Sprintf("reason %d", i))
			e.Key = fmt.Sprint(i)
		}
		es = append(es, e)
	}
	add(t, l, es...)
	return l
}

func findings(r ledger.Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintln(&b, f)
	}
	return b.String()
}

func TestAnUntouchedLedgerVerifies(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := key(t)
		if r := verify(t, d2empty(t, d, k), k); !r.OK() || r.Facts != 0 {
			t.Fatalf("empty: %+v", r)
		}
		l := filled(t, d, k, 600)
		c, err := l.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		add(t, l, gap("later"))
		r := verify(t, d, k, c.Note)
		if !r.OK() || r.Facts != 601 || r.Texts != 60 || len(r.Checkpoints) != 1 || !r.Checkpoints[0].OK {
			t.Fatalf("%+v\n%s", r, findings(r))
		}
	})
}

// d2empty opens and closes a ledger on d, so that its tables are there.
func d2empty(t *testing.T, d *db.DB, k *ledger.Key) *db.DB {
	t.Helper()
	if err := open(t, d, ledger.Options{Key: k}).Close(); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTamperingIsFoundAndNamed(t *testing.T) {
	cases := map[string]struct {
		sql  []string
		want []string // each in the findings
	}{
		"a changed body":      {[]string{"UPDATE fact SET body = '{\"source\":\"other\"}' WHERE seq = 300"}, []string{"fact 300 altered"}},
		"a changed kind":      {[]string{"UPDATE fact SET kind = 'alert.ended' WHERE seq = 300"}, []string{"fact 300 altered"}},
		"a changed time":      {[]string{"UPDATE fact SET at_us = at_us - 1 WHERE seq = 1"}, []string{"fact 1 altered"}},
		"a changed seen":      {[]string{"UPDATE fact SET seen_us = seen_us - 1 WHERE seq = 600"}, []string{"fact 600 altered"}},
		"a changed actor":     {[]string{"UPDATE fact SET actor = 'user:eve' WHERE seq = 256"}, []string{"fact 256 altered"}},
		"a changed subject":   {[]string{"UPDATE fact SET about = 'service:x' WHERE seq = 257"}, []string{"fact 257 altered"}},
		"a changed key":       {[]string{"UPDATE fact SET key = 'k' WHERE seq = 2"}, []string{"fact 2 altered"}},
		"an added cause":      {[]string{"UPDATE fact SET cause = '1' WHERE seq = 2"}, []string{"fact 2 altered"}},
		"a changed run":       {[]string{"UPDATE fact SET actor = 'user:eve' WHERE seq >= 100 AND seq < 200"}, []string{"facts 100 to 199 altered"}},
		"a deleted row":       {[]string{"DELETE FROM fact WHERE seq = 42"}, []string{"fact 42 missing"}},
		"a deleted run":       {[]string{"DELETE FROM fact WHERE seq >= 42 AND seq <= 300"}, []string{"facts 42 to 300 missing"}},
		"a truncated end":     {[]string{"DELETE FROM fact WHERE seq > 590"}, []string{"facts 591 to 600 missing"}},
		"all rows deleted":    {[]string{"DELETE FROM fact"}, []string{"facts 1 to 600 missing"}},
		"two rows exchanged":  {[]string{"UPDATE fact SET seq = -7 WHERE seq = 7", "UPDATE fact SET seq = 7 WHERE seq = 500", "UPDATE fact SET seq = 500 WHERE seq = -7"}, []string{"fact 7 moved: the row was recorded as fact 500", "fact 500 moved: the row was recorded as fact 7"}},
		"an appended row":     {[]string{"INSERT INTO fact (seq, kind, at_us, seen_us, actor, about, key, cause, body) VALUES (601, 'source.gap', 1, 1, 'x', '', 'forged', '', '{}')"}, []string{"fact 601 inserted"}},
		"a row before all":    {[]string{"INSERT INTO fact (seq, kind, at_us, seen_us, actor, about, key, cause, body) VALUES (0, 'source.gap', 1, 1, 'x', '', 'forged', '', '{}')"}, []string{"fact 0 inserted"}},
		"a row put in a gap":  {[]string{"DELETE FROM fact WHERE seq = 5", "INSERT INTO fact (seq, kind, at_us, seen_us, actor, about, key, cause, body) VALUES (5, 'source.gap', 1, 1, 'x', '', 'forged', '', '{}')"}, []string{"fact 5 altered"}},
		"a row squeezed in":   {[]string{"DELETE FROM fact WHERE seq = 600", "UPDATE fact SET seq = 600 WHERE seq = 599", "INSERT INTO fact (seq, kind, at_us, seen_us, actor, about, key, cause, body) VALUES (599, 'source.gap', 1, 1, 'x', '', 'forged', '', '{}')"}, []string{"fact 600 moved: the row was recorded as fact 599", "fact 599 altered"}},
		"a changed leaf hash": {[]string{"UPDATE ledger_tile SET hashes = (SELECT hashes FROM ledger_tile WHERE level = 0 AND n = 1) WHERE level = 0 AND n = 0"}, []string{"facts 1 to 256 altered", "facts 1 to 256 tree: tile 1/0 holds another hash"}},
		"a lost tile":         {[]string{"DELETE FROM ledger_tile WHERE level = 0 AND n = 1"}, []string{"facts 257 to 512 tree: tile 0/1 holds hashes up to fact 256"}},
		"a changed root":      {[]string{"UPDATE ledger_head SET hash = (SELECT hash FROM ledger_head WHERE id = 1)", "UPDATE ledger_head SET seq = 599"}, []string{"fact 600 inserted"}},
		"a changed text":      {[]string{"UPDATE ledger_text SET plain = 'nothing happened' WHERE seq = 10"}, []string{"fact 10 text: its free text does not match"}},
		"a removed text":      {[]string{"DELETE FROM ledger_text WHERE seq = 20"}, []string{"fact 20 text: its free text is gone, and no fact records its erasure"}},
		"an added text":       {[]string{"INSERT INTO ledger_text (seq, place, salt, plain) VALUES (20, 3, 'x', 'y')"}, []string{"fact 20 text: a free text stands beside the fact"}},
		"a forged checkpoint": {[]string{"INSERT INTO ledger_checkpoint (size, at_us, place, held, note) VALUES (600, 1, 'x', true, 'example.org/test\n600\nAAAA\n')"}, []string{"signature: the stored checkpoint of 600 facts for x"}},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := key(t)
		l := filled(t, d, k, 600)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				tampered := copyOf(t, d)
				for _, s := range c.sql {
					execute(t, tampered, s)
				}
				r := verify(t, tampered, k)
				got := findings(r)
				for _, w := range c.want {
					if !strings.Contains(got, w) {
						t.Errorf("want %q in:\n%s", w, got)
					}
				}
				if r.OK() || len(r.Findings) > 8 {
					t.Errorf("%d findings:\n%s", len(r.Findings), got)
				}
			})
		}
	})
}

func execute(t testing.TB, d *db.DB, query string, args ...any) {
	t.Helper()
	err := d.Write(t.Context(), func(ctx context.Context, q db.Q) error {
		_, err := q.ExecContext(ctx, query, args...)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// copyOf is a second database with the same rows in the ledger's own tables.
func copyOf(t *testing.T, d *db.DB) *db.DB {
	t.Helper()
	if d.Engine() == db.SQLite {
		path := filepath.Join(t.TempDir(), "copy.db")
		if err := d.CopyTo(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		return dbtest.Open(t, "sqlite:"+path)
	}
	to := dbtest.Open(t, dbtest.Postgres(t))
	if err := open(t, to, ledger.Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"fact", "ledger_text", "ledger_tile", "ledger_checkpoint", "ledger_head"} {
		execute(t, to, "DELETE FROM "+table)
		var from string
		if err := d.Read().QueryRowContext(t.Context(), "SELECT current_schema()").Scan(&from); err != nil {
			t.Fatal(err)
		}
		execute(t, to, "INSERT INTO "+table+" SELECT * FROM "+from+"."+table)
	}
	return to
}

func TestARewriteWithTheRealKeyIsFoundByAnOlderCheckpoint(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := key(t)
		l := filled(t, d, k, 300)
		older, err := l.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var later []event.Event
		for i := range 300 {
			later = append(later, gap(fmt.Sprint("later", i)))
		}
		add(t, l, later...)
		newest, err := l.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// The forger begins anew with the first 400 facts, changes fact 350, and signs with the key.
		forged := dbtest.Open(t, dbtest.SQLite(t))
		f := filled(t, forged, k, 300)
		later[49].By = "user:eve"
		add(t, f, later[:100]...)
		if r := verify(t, forged, k); !r.OK() {
			t.Fatalf("a forgery with the key agrees with itself:\n%s", findings(r))
		}
		r := verify(t, forged, k, newest.Note, older.Note)
		if r.OK() {
			t.Fatal("nothing found")
		}
		// The free texts of the first 300 have new salts, so even the older checkpoint differs.
		got := findings(r)
		for _, want := range []string{"facts 1 to 300 rewritten: checkpoint of 300 facts (given)", "facts 401 to 600 missing: checkpoint of 600 facts (given)"} {
			if !strings.Contains(got, want) {
				t.Errorf("want %q in:\n%s", want, got)
			}
		}
		if r := verify(t, d, k, newest.Note, older.Note); !r.OK() {
			t.Fatalf("the true ledger:\n%s", findings(r))
		}
	})
}

func TestACheckpointThatIsNotOursIsRefused(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite(t))
	k := key(t)
	l := filled(t, d, k, 10)
	c, err := l.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Replace(c.Note, []byte("\n10\n"), []byte("\n11\n"), 1)
	for name, older := range map[string][]byte{"changed": bad, "empty": nil, "foreign": []byte("hello")} {
		if _, err := ledger.Verify(t.Context(), d, ledger.VerifyOptions{Key: k.Verifier, Older: [][]byte{older}}); kit.CodeOf(err) != kit.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ledger.Verify(t.Context(), d, ledger.VerifyOptions{Older: [][]byte{c.Note}}); kit.CodeOf(err) != kit.Invalid {
		t.Errorf("without a key: %v", err)
	}
}

func TestProofsHoldForEveryFactAndSize(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := key(t)
		l := filled(t, d, k, 520)
		for _, seq := range []int64{1, 2, 255, 256, 257, 512, 513, 520} {
			p, err := l.Prove(t.Context(), seq)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Check(); err != nil {
				t.Errorf("fact %d: %v", seq, err)
			}
			p.Leaf[len(p.Leaf)-2] ^= 1
			if p.Check() == nil {
				t.Errorf("fact %d: a changed leaf is proven", seq)
			}
		}
		if _, err := l.Prove(t.Context(), 521); kit.CodeOf(err) != kit.NotFound {
			t.Errorf("got %v", err)
		}
		if _, err := l.ProveConsistency(t.Context(), 300, 520); err != nil {
			t.Error(err)
		}
		if _, err := l.ProveConsistency(t.Context(), 300, 521); kit.CodeOf(err) != kit.Invalid {
			t.Errorf("got %v", err)
		}
	})
}

func TestErasedTextsAreGoneAndTheProofStays(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite(t))
	k := key(t)
	l := open(t, d, ledger.Options{Key: k})
	secret := "Ana was on sick leave, quoth Zebediah"
	add(t, l, gap("a"))
	r := add(t, l, amend(1, secret))
	e, err := l.Get(t.Context(), r.Last)
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Fact.(*event.EventAmended).Reason.Plain(); got != secret {
		t.Fatalf("text %q", got)
	}
	if err := l.Erase(t.Context(), r.Last, "user:dpo", "request 7"); err != nil {
		t.Fatal(err)
	}
	e, err = l.Get(t.Context(), r.Last)
	if err != nil {
		t.Fatal(err)
	}
	if f := e.Fact.(*event.EventAmended); f.Reason.Plain() != "" || f.Reason.Digest == "" {
		t.Fatalf("after erasure: %+v", f.Reason)
	}
	if rep := verify(t, d, k); !rep.OK() || rep.Erased != 1 {
		t.Fatalf("%+v\n%s", rep, findings(rep))
	}
	if err := l.Erase(t.Context(), 1, "user:dpo", "request 8"); kit.CodeOf(err) != kit.Invalid {
		t.Fatalf("a fact without text: %v", err)
	}
}

func TestTheErasedTextIsNotInTheDatabaseFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	d := dbtest.Open(t, "sqlite:"+path)
	l := open(t, d, ledger.Options{})
	add(t, l, gap("a"))
	secret := strings.Repeat("Zebediah", 20)
	seq := add(t, l, amend(1, secret)).Last
	if err := l.Erase(t.Context(), seq, "user:dpo", "request 7"); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(path + suffix)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte("Zebediah")) {
			t.Errorf("the erased text is still in %q", path+suffix)
		}
	}
}

func TestAKeyFileIsMadeOnceForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.key")
	a, err := ledger.OpenKey(path, "example.org/a")
	if err != nil {
		t.Fatal(err)
	}
	b, err := ledger.OpenKey(path, "example.org/a")
	if err != nil || a.Public != b.Public {
		t.Fatalf("%v, %q and %q", err, a.Public, b.Public)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.OpenKey(path, "example.org/a"); kit.CodeOf(err) != kit.Denied {
		t.Fatalf("a key that all may read: %v", err)
	}
	if err := os.WriteFile(path, []byte("PRIVATE+KEY+broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.OpenKey(path, "example.org/a"); kit.CodeOf(err) != kit.Invalid {
		t.Fatalf("a broken key: %v", err)
	}
}
