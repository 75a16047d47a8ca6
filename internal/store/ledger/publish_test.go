package ledger_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

func TestCheckpointsArePublishedOnceAFactAndRecorded(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite(t))
	k := key(t)
	now := noon
	l := open(t, d, ledger.Options{Key: k, Now: func() time.Time { return now }})
	dir := t.TempDir()
	var got []string
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, string(body))
	}))
	defer hook.Close()
	to := []ledger.Publisher{ledger.ToFolder(dir, false), ledger.ToWebhook(hook.URL, hook.Client())}
	publish := func() {
		t.Helper()
		if err := l.Publish(t.Context(), to...); err != nil {
			t.Fatal(err)
		}
	}
	publish() // an empty ledger has nothing to hold
	if len(got) != 0 {
		t.Fatalf("%d posts of an empty ledger", len(got))
	}
	add(t, l, gap("a"))
	publish()
	publish() // only the records of publishing came since
	if len(got) != 1 {
		t.Fatalf("%d posts after one fact", len(got))
	}
	c, err := ledger.ReadCheckpoint([]byte(got[0]), k.Verifier)
	if err != nil || c.Size != 1 {
		t.Fatalf("%v %+v", err, c)
	}
	file, err := os.ReadFile(filepath.Join(dir, "checkpoint-000000000001.txt"))
	if err != nil || string(file) != got[0] {
		t.Fatalf("%v %q", err, file)
	}
	if es := all(t, l, "checkpoint.published"); len(es) != 2 {
		t.Fatalf("%d records", len(es))
	}
	held, ok, err := l.LastHeld(t.Context())
	if err != nil || !ok || held.Size != 1 || held.Where != hook.URL || !held.At.Equal(noon) {
		t.Fatalf("%v %v %+v", err, ok, held)
	}
	now = noon.Add(time.Hour)
	add(t, l, gap("b"))
	publish()
	if r := verify(t, d, k); !r.OK() || len(r.Checkpoints) != 4 {
		t.Fatalf("%+v\n%s", r.Checkpoints, findings(r))
	}
}

func TestAPublisherThatFailsDoesNotKeepTheOthers(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite(t))
	l := open(t, d, ledger.Options{Key: key(t)})
	add(t, l, gap("a"))
	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	defer down.Close()
	dir := t.TempDir()
	err := l.Publish(t.Context(), ledger.ToWebhook(down.URL, down.Client()), ledger.ToFolder(dir, true))
	if err == nil || !strings.Contains(err.Error(), down.URL+": answered 502") {
		t.Fatalf("got %v", err)
	}
	if held, ok, err := l.LastHeld(t.Context()); err != nil || !ok || held.Where != dir {
		t.Fatalf("%v %v %+v", err, ok, held)
	}
}

func TestAnotherHistoryIsNotWrittenOverAPublishedOne(t *testing.T) {
	dir := t.TempDir()
	k := key(t)
	for i, name := range []string{"a", "b"} {
		l := open(t, dbtest.Open(t, dbtest.SQLite(t)), ledger.Options{Key: k})
		add(t, l, gap(name))
		err := l.Publish(t.Context(), ledger.ToFolder(dir, true))
		if (i == 0) != (err == nil) || i == 1 && kit.CodeOf(err) != kit.Conflict {
			t.Fatalf("history %s: %v", name, err)
		}
	}
}

func TestCheckpointsReachAGitRemote(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git: install it to test publishing to a repository")
	}
	remote, clone := t.TempDir(), filepath.Join(t.TempDir(), "clone")
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("git", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
		return string(out)
	}
	run("init", "-q", "--bare", remote)
	run("clone", "-q", remote, clone)
	run("-C", clone, "config", "push.autoSetupRemote", "true")
	run("-C", clone, "config", "push.default", "current")
	l := open(t, dbtest.Open(t, dbtest.SQLite(t)), ledger.Options{Key: key(t)})
	p, err := ledger.ToGit(t.Context(), clone)
	if err != nil || !p.Held {
		t.Fatalf("%v %+v", err, p)
	}
	for _, name := range []string{"a", "b"} {
		add(t, l, gap(name))
		if err := l.Publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if log := run("-C", remote, "log", "--all", "--format=%s"); log != "checkpoint of 3 facts\ncheckpoint of 1 facts\n" {
		t.Fatalf("log of the remote:\n%s", log)
	}
	if _, err := ledger.ToGit(t.Context(), t.TempDir()); kit.CodeOf(err) != kit.Invalid {
		t.Fatalf("a folder without a clone: %v", err)
	}
	if _, ok, err := l.LastHeld(t.Context()); err != nil || !ok {
		t.Fatal(errors.Join(err, errors.New("not held")))
	}
}
