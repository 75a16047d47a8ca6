package cli

import (
	"encoding/base64"
	"fmt"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"evenkeel.dev/evenkeel/internal/api"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// proven is what checking a proof here found.
type proven struct {
	OK        bool      `json:"ok"`
	PublicKey string    `json:"publicKey"`
	Trusted   bool      `json:"trusted"` // the key was given with --key
	Finding   string    `json:"finding,omitempty"`
	Proof     api.Proof `json:"proof"`
}

func factProofCommand(e *env) *cobra.Command {
	var key string
	c := &cobra.Command{Use: "proof SEQ", Short: "Prove here that a fact is in the signed ledger", Args: wants(1, 1),
		Long: `Asks the server for the fact's leaf, its path to the root and the signed checkpoint, and recomputes them here (RFC 6962): the
server's word is not taken. Give --key with the public key you know. Exit code 1 when the proof does not hold.`,
		Example: "  evenkeel fact proof 4711\n  evenkeel fact proof 4711 --key 'example.org/evenkeel+1a2b3c4d+AbCd...' -o json",
		RunE: func(c *cobra.Command, args []string) error {
			path, err := factPath(args[0])
			if err != nil {
				return err
			}
			verifier, err := publicKey(key)
			if err != nil {
				return err
			}
			out := proven{PublicKey: key, Trusted: key != ""}
			if err := e.get(c.Context(), path+"/proof", &out.Proof); err != nil {
				return err
			}
			if verifier == nil {
				if verifier, out.PublicKey, err = e.serversKey(c); err != nil {
					return err
				}
			}
			err = checkProof(out.Proof, verifier)
			out.OK = err == nil
			if err != nil {
				out.Finding = err.Error()
			}
			return e.printProven(out)
		}}
	c.Flags().StringVar(&key, "key", "", "public key to trust; the server's own when left out")
	return c
}

func (e *env) serversKey(c *cobra.Command) (note.Verifier, string, error) {
	var p api.Checkpoint
	if err := e.get(c.Context(), "/api/v1/ledger/checkpoint", &p); err != nil {
		return nil, "", err
	}
	v, err := note.NewVerifier(p.PublicKey)
	if err != nil {
		return nil, "", fmt.Errorf("read the server's public key: %w", err)
	}
	return v, p.PublicKey, nil
}

// checkProof recomputes the path from the leaf to the root that the checkpoint signs.
func checkProof(p api.Proof, key note.Verifier) error {
	head, err := ledger.ReadCheckpoint([]byte(p.Checkpoint), key)
	if err != nil {
		return err
	}
	own := ledger.Proof{Seq: p.Seq, Checkpoint: head}
	if own.Leaf, err = base64.StdEncoding.DecodeString(p.Leaf); err != nil {
		return fmt.Errorf("read leaf: %w", err)
	}
	for _, text := range p.Hashes {
		h, err := tlog.ParseHash(text)
		if err != nil {
			return fmt.Errorf("read path: %w", err)
		}
		own.Hashes = append(own.Hashes, h)
	}
	return own.Check()
}

func (e *env) printProven(out proven) error {
	t := table{head: []string{"what", "value"}}
	t.add("fact", human(out.Proof.Seq))
	t.add("holds", human(out.OK))
	if out.Finding != "" {
		t.add("finding", out.Finding)
	}
	t.add("leaf hash", out.Proof.LeafHash)
	for _, h := range out.Proof.Hashes {
		t.add("path", h)
	}
	t.add("signed by", out.PublicKey)
	if err := e.print(out, t); err != nil {
		return err
	}
	if !out.Trusted {
		e.note("The signature was checked with the key that the server names. Give --key with the key you know, or a forged server could have made it.")
	}
	if !out.OK {
		return findings()
	}
	return nil
}
