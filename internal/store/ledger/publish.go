package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
)

// Publisher hands a checkpoint to somebody who can hold it against us.
type Publisher struct {
	Where string // shown to people: the path, the host, the remote
	Held  bool   // the receiver is out of reach of this server's administrators
	Send  func(ctx context.Context, c Checkpoint) error
}

// ToFolder writes each checkpoint to a file of its own in dir, "checkpoint-<size>.txt", never over an existing one. held:
// the folder is kept elsewhere (a share that is append-only, a disk somebody else owns).
func ToFolder(dir string, held bool) Publisher {
	return Publisher{Where: dir, Held: held, Send: func(_ context.Context, c Checkpoint) error {
		_, err := writeNote(dir, c)
		return err
	}}
}

func writeNote(dir string, c Checkpoint) (name string, err error) {
	name = fmt.Sprintf("checkpoint-%012d.txt", c.Size)
	path := filepath.Join(dir, name)
	old, err := os.ReadFile(path)
	switch {
	case err == nil && bytes.Equal(old, c.Note):
		return name, nil
	case err == nil:
		return "", kit.Errorf(kit.Conflict, "%s holds another checkpoint of the same size: the ledger or its key changed", path)
	case !errors.Is(err, os.ErrNotExist):
		return "", err
	}
	f, err := os.CreateTemp(dir, ".checkpoint-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(c.Note)
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return "", err
	}
	return name, os.Link(f.Name(), path)
}

// ToWebhook posts each checkpoint as text/plain; any 2xx is a receipt. client decides which addresses may be reached.
func ToWebhook(url string, client *http.Client) Publisher {
	return Publisher{Where: url, Held: true, Send: func(ctx context.Context, c Checkpoint) error {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(c.Note))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "text/plain; charset=utf-8")
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxNote)) // so that the connection can be used again
		if res.StatusCode/100 != 2 {
			return fmt.Errorf("answered %s", res.Status)
		}
		return nil
	}}
}

// ToGit commits each checkpoint to the clone in dir and pushes it where the clone has a remote; only then it counts as
// held. It runs the git program.
func ToGit(ctx context.Context, dir string) (Publisher, error) {
	if _, err := git(ctx, dir, "rev-parse", "--git-dir"); err != nil {
		return Publisher{}, &kit.Error{Code: kit.Invalid, Msg: dir + " is not a Git clone", Hint: "git clone the repository that keeps checkpoints there", Err: err}
	}
	remote, err := git(ctx, dir, "remote")
	if err != nil {
		return Publisher{}, fmt.Errorf("read remotes of %s: %w", dir, err)
	}
	held := len(bytes.TrimSpace(remote)) > 0
	return Publisher{Where: "git:" + dir, Held: held, Send: func(ctx context.Context, c Checkpoint) error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
		defer cancel()
		name, err := writeNote(dir, c)
		if err != nil {
			return err
		}
		if _, err := git(ctx, dir, "add", "--", name); err != nil {
			return err
		}
		if _, err := git(ctx, dir, "diff", "--cached", "--quiet", "--", name); err != nil { // differs from the last commit
			_, err := git(ctx, dir, "-c", "user.name=evenkeel", "-c", "user.email=evenkeel@localhost",
				"commit", "-q", "-m", fmt.Sprintf("checkpoint of %d facts", c.Size), "--", name)
			if err != nil {
				return err
			}
		}
		if !held {
			return nil
		}
		_, err = git(ctx, dir, "push", "-q")
		return err
	}}, nil
}

func git(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0")
	cmd.WaitDelay = 5 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}

// Publish signs the head and hands it to each publisher, and records those that took it. Nothing happens when no fact came
// since the last time, apart from the records of publishing itself. One publisher's failure does not keep the others from
// theirs; all failures come back joined.
func (l *Ledger) Publish(ctx context.Context, ps ...Publisher) error {
	if len(ps) == 0 {
		return nil
	}
	c, err := l.Checkpoint(ctx)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	var all error
	for _, p := range ps {
		news, err := l.newsFor(ctx, p.Where)
		if err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		if !news {
			continue
		}
		if err := p.Send(ctx, c); err != nil {
			all = errors.Join(all, fmt.Errorf("publish checkpoint of %d facts to %s: %w", c.Size, p.Where, err))
			continue
		}
		if err := l.recordPublished(ctx, c, p); err != nil {
			all = errors.Join(all, err)
		}
	}
	return all
}

// newsFor says whether facts came since the last checkpoint handed to where.
func (l *Ledger) newsFor(ctx context.Context, where string) (bool, error) {
	last, err := publications(ctx, l.db.Read(), "WHERE place = $1 ORDER BY size DESC LIMIT 1", where)
	if err != nil {
		return false, err
	}
	if len(last) == 0 {
		return l.Head().Seq > 0, nil
	}
	var n int
	err = l.db.Read().QueryRowContext(ctx, "SELECT count(*) FROM (SELECT seq FROM fact WHERE seq > $1 AND kind <> $2 LIMIT 1) AS news",
		last[0].Size, "checkpoint.published").Scan(&n)
	return n > 0, err
}

func (l *Ledger) recordPublished(ctx context.Context, c Checkpoint, p Publisher) error {
	now := l.opt.Now()
	fact := event.Event{At: now, By: "system:ledger", About: "ledger:", Key: fmt.Sprintf("checkpoint:%s:%d", p.Where, c.Size),
		Fact: &event.CheckpointPublished{Size: c.Size, Hash: c.Hash.String(), Where: p.Where}}
	_, err := l.Append(ctx, Batch{Events: []event.Event{fact}, With: func(ctx context.Context, q db.Q) error {
		_, err := q.ExecContext(ctx, `INSERT INTO ledger_checkpoint (size, at_us, place, held, note) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (size, at_us, place) DO NOTHING`, c.Size, now.UnixMicro(), p.Where, p.Held, string(c.Note))
		return err
	}})
	if err != nil {
		return fmt.Errorf("record checkpoint for %s: %w", p.Where, err)
	}
	return nil
}
