package cli

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

func ledgerExportCommand(e *env) *cobra.Command {
	var at place
	var kinds []string
	var about, by, from, to, out string
	var texts bool
	c := &cobra.Command{Use: "export", Short: "Write facts with their proofs as an evidence bundle", Args: wants(0, 0),
		Long: `Writes a bundle that anybody can check without this ledger: evenkeel ledger verify FILE. Through a server it needs
evidence.read, and is recorded.`,
		Example: "  evenkeel ledger export --about slo:checkout-availability --from 90d --to-file evidence.jsonl",
		RunE: func(c *cobra.Command, _ []string) error {
			f := ledger.Filter{About: event.Ref(about), By: by}
			for _, k := range kinds {
				f.Kinds = append(f.Kinds, event.Kind(k))
			}
			for _, t := range []struct {
				name, text string
				at         *time.Time
			}{{"from", from, &f.At.From}, {"to", to, &f.At.To}} {
				if t.text == "" {
					continue
				}
				var err error
				if *t.at, err = kit.ParseTime(t.text, time.Now()); err != nil {
					return usage("--%s: %w", t.name, err)
				}
			}
			return e.into(out, func(w io.Writer) error {
				if at.given() {
					return at.with(c.Context(), false, func(l *ledger.Ledger) error {
						n, err := l.Export(c.Context(), w, ledger.ExportOptions{Filter: f, Texts: texts})
						if err == nil {
							fmt.Fprintln(e.Err, kit.Plural(int(n), "fact", "facts")+" exported")
						}
						return err
					})
				}
				t := ""
				if texts {
					t = "true"
				}
				resp, err := e.send(c.Context(), http.MethodGet, "/api/v1/ledger/export"+query("kind", strings.Join(kinds, ","), "about", about, "by", by, "from", from, "to", to, "texts", t), nil)
				if err != nil {
					return err
				}
				defer resp.Body.Close()
				_, err = io.Copy(w, resp.Body)
				return err
			})
		}}
	at.flags(c)
	fl := c.Flags()
	fl.StringSliceVar(&kinds, "kind", nil, "kinds, such as alert.fired")
	fl.StringVar(&about, "about", "", "such as slo:checkout-availability")
	fl.StringVar(&by, "by", "", "such as user:ana")
	fl.StringVar(&from, "from", "", "happened at or after: RFC 3339, a day, or an age such as 90d")
	fl.StringVar(&to, "to", "", "happened before")
	fl.BoolVar(&texts, "texts", false, "with free texts")
	fl.StringVar(&out, "to-file", "", "file to write; standard output when left out")
	return c
}

// into writes a file, whole or not at all, or standard output.
func (e *env) into(file string, write func(io.Writer) error) error {
	if file == "" {
		return write(e.Out)
	}
	tmp := file + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return usage("%w", err)
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return os.Rename(tmp, file)
}
