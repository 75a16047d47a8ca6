package ledger_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

func export(t testing.TB, l *ledger.Ledger, o ledger.ExportOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := l.Export(t.Context(), &b, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestABundleProvesItsFactsWithoutTheLedger(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := key(t)
		l := filled(t, d, k, 600)
		for name, c := range map[string]struct {
			o            ledger.ExportOptions
			facts, texts int64
		}{
			"all":        {ledger.ExportOptions{}, 600, 0},
			"with texts": {ledger.ExportOptions{Texts: true}, 600, 60},
			"a kind":     {ledger.ExportOptions{Filter: ledger.Filter{Kinds: []event.Kind{"event.amended"}}, Texts: true}, 60, 60},
			"none":       {ledger.ExportOptions{Filter: ledger.Filter{By: "nobody"}}, 0, 0},
		} {
			r, err := ledger.VerifyBundle(bytes.NewReader(export(t, l, c.o)), k.Verifier)
			if err != nil || !r.OK() || r.Facts != c.facts || r.Texts != c.texts || !r.Trusted {
				t.Errorf("%s: %v %+v", name, err, r)
			}
		}
		r, err := ledger.VerifyBundle(bytes.NewReader(export(t, l, ledger.ExportOptions{})), nil)
		if err != nil || !r.OK() || r.Trusted || r.PublicKey != k.Public {
			t.Errorf("with its own key: %v %+v", err, r)
		}
	})
}

func TestAChangedBundleIsFound(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite(t))
	k := key(t)
	good := string(export(t, filled(t, d, k, 40), ledger.ExportOptions{Texts: true}))
	lines := strings.SplitAfter(good, "\n")
	for name, c := range map[string]struct{ bundle, want string }{
		"a changed body":   {strings.Replace(good, "unreachable <7>", "unreachable <8>", 1), "fact 7 altered"},
		"a changed seq":    {strings.Replace(good, `"seq":7,`, `"seq":8,`, 1), "fact 8 altered"},
		"a changed text":   {strings.Replace(good, `"plain":"reason 10"`, `"plain":"reason 11"`, 1), "fact 10 text"},
		"a line removed":   {strings.Join(append(append([]string{}, lines[:5]...), lines[6:]...), ""), "was written with 40 facts and holds 39"},
		"broken off":       {strings.Join(lines[:20], ""), "breaks off"},
		"a seq out of all": {strings.Replace(good, `"seq":7,`, `"seq":-1,`, 1), "altered"},
	} {
		r, err := ledger.VerifyBundle(strings.NewReader(c.bundle), k.Verifier)
		var got []string
		for _, f := range r.Findings {
			got = append(got, f.String())
		}
		if err != nil || r.OK() || !strings.Contains(strings.Join(got, "\n"), c.want) {
			t.Errorf("%s: %v, findings %q, want %q", name, err, got, c.want)
		}
	}
	for name, bundle := range map[string]string{
		"empty": "", "no bundle": "hello\n", "foreign key": strings.Replace(good, "example.org/test\\n40", "example.org/test\\n41", 1), "half a line": lines[0] + `{"seq":`,
	} {
		if _, err := ledger.VerifyBundle(strings.NewReader(bundle), k.Verifier); kit.CodeOf(err) != kit.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzVerifyBundle(f *testing.F) {
	k := key(f)
	l, err := ledger.Open(f.Context(), dbtest.Open(f, dbtest.SQLite(f)), ledger.Options{Key: k, Now: clock})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = l.Close() })
	add(f, l, gap("a"), amend(1, "why"))
	f.Add(export(f, l, ledger.ExportOptions{Texts: true}))
	f.Add([]byte(`{"format":"evenkeel-evidence/1"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ledger.VerifyBundle(bytes.NewReader(data), k.Verifier)
		if err == nil && r.Facts > 2 {
			t.Fatalf("%d facts proven of 2", r.Facts)
		}
	})
}

func FuzzReadCheckpoint(f *testing.F) {
	k := key(f)
	f.Add([]byte("example.org/test\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— example.org/test AAAA\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := ledger.ReadCheckpoint(data, k.Verifier); err == nil {
			t.Fatalf("a checkpoint that nobody signed: %+v", c)
		}
	})
}

func backup(t testing.TB, d *db.DB) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := ledger.Backup(t.Context(), d, &b, noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestABackupMovesBetweenEnginesAndOpensADeclaredEpoch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := key(t)
		l := filled(t, d, k, 600)
		data := backup(t, d)
		within, err := l.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		add(t, l, many("lost", 50)...) // recorded after the backup
		beyond, err := l.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		to := dbtest.Open(t, dbtest.SQLite(t))
		h, err := ledger.Restore(t.Context(), to, bytes.NewReader(data), ledger.RestoreOptions{Now: clock, Why: "the disk died"})
		if err != nil || h.Seq != 601 || h.Epoch != 2 {
			t.Fatalf("%v %+v", err, h)
		}
		back := open(t, to, ledger.Options{Key: k})
		e, err := back.Get(t.Context(), 601)
		if err != nil {
			t.Fatal(err)
		}
		if f := e.Fact.(*event.EpochOpened); f.Epoch != 2 || f.Restored != 600 || !f.BackupAt.Equal(noon.Add(time.Hour)) || f.Why != "the disk died" {
			t.Fatalf("%+v", f)
		}
		if e, err := back.Get(t.Context(), 10); err != nil || e.Fact.(*event.EventAmended).Reason.Plain() != "reason 10" {
			t.Fatalf("the free text: %v %+v", err, e)
		}
		add(t, back, many("new", 60)...)
		after, err := back.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(after.Note), "\nepoch 2\n") {
			t.Errorf("checkpoint of epoch 2:\n%s", after.Note)
		}
		r := verify(t, to, k, within.Note, beyond.Note, after.Note)
		if !r.OK() || len(r.Findings) != 1 || !strings.Contains(findings(r), "facts 601 to 650 missing: checkpoint of 650 facts (given): lost when fact 601 opened epoch 2") {
			t.Errorf("%+v\n%s", r.Checkpoints, findings(r))
		}
		if _, err := ledger.Restore(t.Context(), to, bytes.NewReader(data), ledger.RestoreOptions{Now: clock}); kit.CodeOf(err) != kit.Conflict {
			t.Errorf("over a ledger with facts: %v", err)
		}
	})
}

func TestADamagedBackupLeavesTheLedgerEmpty(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := key(t)
		from := dbtest.Open(t, dbtest.SQLite(t))
		filled(t, from, k, 1500)
		good := backup(t, from)
		for name, data := range map[string][]byte{
			"broken off": good[:len(good)/2],
			"no gzip":    []byte("hello"),
			"changed":    rezip(t, good, "unreachable <7>", "unreachable <8>"),
			"reordered":  rezip(t, good, `{"seq":7,`, `{"seq":8,`),
		} {
			_, err := ledger.Restore(t.Context(), d, bytes.NewReader(data), ledger.RestoreOptions{Now: clock})
			if kit.CodeOf(err) != kit.Invalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		h, err := ledger.Restore(t.Context(), d, bytes.NewReader(good), ledger.RestoreOptions{Now: clock, Why: "moved"})
		if err != nil || h.Seq != 1501 {
			t.Fatalf("the good one afterwards: %v %+v", err, h)
		}
		if r := verify(t, d, k); !r.OK() {
			t.Fatal(findings(r))
		}
	})
}

func TestACopiedFileGoesOnInANewEpoch(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite(t))
	k := key(t)
	l := filled(t, d, k, 30)
	to := copyOf(t, d)
	add(t, l, gap("lost"))
	back := open(t, to, ledger.Options{Key: k})
	if err := back.OpenEpoch(t.Context(), noon, "copied"); err != nil {
		t.Fatal(err)
	}
	if h := back.Head(); h.Seq != 31 || h.Epoch != 2 {
		t.Fatalf("%+v", h)
	}
	if r := verify(t, to, k); !r.OK() || len(r.Epochs) != 1 {
		t.Fatal(findings(r))
	}
}
