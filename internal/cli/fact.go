package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/api"
)

func factCommand(e *env) *cobra.Command {
	return group(&cobra.Command{Use: "fact", Short: "Facts of the ledger", GroupID: "look", Example: "  evenkeel fact ls --kind alert.fired --from 1d"},
		factListCommand(e), factShowCommand(e), factProofCommand(e))
}

func factListCommand(e *env) *cobra.Command {
	var kinds []string
	var about, by, from, to, knownAt string
	var limit int
	c := &cobra.Command{Use: "ls", Aliases: []string{"list"}, Short: "Find facts, newest first", Args: wants(0, 0),
		Long: `Conditions add up. With --from or --to they are ordered by when they happened, else by when they were recorded.
--known-at shows the ledger as it stood at that moment.`,
		Example: "  evenkeel fact ls --kind alert.fired,alert.ended --from 7d\n  evenkeel fact ls --about slo:checkout-availability --known-at 2026-10-01",
		RunE: func(c *cobra.Command, _ []string) error {
			if limit < 1 {
				return usage("--limit: ask for at least one")
			}
			path := "/api/v1/facts" + query("kind", strings.Join(kinds, ","), "about", about, "by", by, "from", from, "to", to, "knownAt", knownAt)
			list, err := atMost[api.Fact](c.Context(), e, path, limit)
			if err != nil {
				return err
			}
			t := table{head: []string{"seq", "at", "kind", "about", "by", "fact"}, empty: "No facts match."}
			for _, f := range list {
				t.add(f.Seq, f.At, f.Kind, f.About, f.By, e.brief(f.Fact))
			}
			return e.print(list, t)
		}}
	fl := c.Flags()
	fl.StringSliceVar(&kinds, "kind", nil, "kinds, such as alert.fired")
	fl.StringVar(&about, "about", "", "such as slo:checkout-availability")
	fl.StringVar(&by, "by", "", "such as user:ana or evaluator:slo")
	fl.StringVar(&from, "from", "", "happened at or after: RFC 3339, a day, or an age such as 7d")
	fl.StringVar(&to, "to", "", "happened before")
	fl.StringVar(&knownAt, "known-at", "", "only what was recorded by then")
	fl.IntVar(&limit, "limit", 50, "how many at most")
	return c
}

// brief is a fact's content in a line: whole for programs, cut for people.
func (e *env) brief(body json.RawMessage) string {
	s := string(body)
	if r := []rune(s); e.format == "table" && len(r) > 80 {
		s = string(r[:79]) + "…"
	}
	return s
}

func factShowCommand(e *env) *cobra.Command {
	var texts, proof bool
	c := &cobra.Command{Use: "show SEQ", Short: "Show one fact with its causes and effects", Args: wants(1, 1),
		Example: "  evenkeel fact show 4711\n  evenkeel fact show 4711 --proof -o json",
		RunE: func(c *cobra.Command, args []string) error {
			path, err := factPath(args[0])
			if err != nil {
				return err
			}
			var out struct {
				api.FactDetail
				Chain api.Chain  `json:"chain"`
				Proof *api.Proof `json:"proof,omitempty"`
			}
			q := ""
			if texts {
				q = "?texts=true"
			}
			if err := e.get(c.Context(), path+q, &out.FactDetail); err != nil {
				return err
			}
			if err := e.get(c.Context(), path+"/chain", &out.Chain); err != nil {
				return err
			}
			if proof {
				out.Proof = new(api.Proof)
				if err := e.get(c.Context(), path+"/proof", out.Proof); err != nil {
					return err
				}
			}
			return e.print(out, factTable(out.FactDetail, out.Chain, out.Proof))
		}}
	c.Flags().BoolVar(&texts, "texts", false, "with free texts; needs evidence.read, and is recorded")
	c.Flags().BoolVar(&proof, "proof", false, "with the proof that it is in the ledger")
	return c
}

// factPath is where the API has a fact, given its number.
func factPath(number string) (string, error) {
	seq, err := strconv.ParseInt(strings.TrimPrefix(number, "#"), 10, 64)
	if err != nil || seq < 1 {
		return "", usage("%q is no fact's number; evenkeel fact ls lists them", number)
	}
	return fmt.Sprintf("/api/v1/facts/%d", seq), nil
}

func factTable(f api.FactDetail, chain api.Chain, proof *api.Proof) table {
	t := table{head: []string{"what", "value"}}
	row := func(what, value string) { t.add(what, value) }
	row("seq", strconv.FormatInt(f.Seq, 10))
	row("kind", f.Kind)
	row("at", clock(&f.At))
	row("seen", clock(&f.Seen))
	row("by", f.By)
	row("about", f.About)
	row("key", f.Key)
	var body bytes.Buffer
	if json.Indent(&body, f.Fact.Fact, "", "  ") == nil {
		for i, line := range strings.Split(body.String(), "\n") {
			if i == 0 {
				row("fact", line)
			} else {
				t.add(blank{}, line)
			}
		}
	}
	for digest, text := range f.Texts {
		row("text", digest[:min(14, len(digest))]+" "+text)
	}
	for _, a := range f.Amendments {
		set, _ := json.Marshal(a.Set) // came as JSON
		row("amended by", fmt.Sprintf("%d %s", a.Seq, set))
	}
	for _, c := range chain.Causes {
		row("follows from", fmt.Sprintf("%d %s %s", c.Seq, c.Kind, c.About))
	}
	for _, c := range chain.Effects {
		row("led to", fmt.Sprintf("%d %s %s", c.Seq, c.Kind, c.About))
	}
	if proof != nil {
		row("leaf hash", proof.LeafHash)
		for _, h := range proof.Hashes {
			row("path", h)
		}
		row("checkpoint", strings.Join(slices.Collect(strings.SplitSeq(strings.TrimSpace(proof.Checkpoint), "\n")), " / "))
	}
	return t
}
