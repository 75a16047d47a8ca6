package ledger

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Key signs checkpoints (Ed25519, in the form of golang.org/x/mod/sumdb/note).
type Key struct {
	Signer   note.Signer
	Verifier note.Verifier
	Public   string // what a verifier needs, "name+hash+base64"; give it to whoever holds checkpoints
}

// OpenKey reads the signing key from a file that only its owner may read, and makes it at the first start under the given
// name, such as "example.org/evenkeel". A file that others may read is refused.
func OpenKey(path, name string) (*Key, error) {
	if name == "" || strings.ContainsAny(name, "+ \t\r\n") {
		return nil, kit.Errorf(kit.Invalid, "the ledger's name %q must not be empty and has no blanks and no plus sign", name)
	}
	k, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKey(path, name); err != nil && !errors.Is(err, fs.ErrExist) { // another start made it in the same instant
			return nil, fmt.Errorf("make signing key: %w", err)
		}
		k, err = readKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	return k, nil
}

func makeKey(path, name string) error {
	secret, _, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return err
	}
	// Written aside and linked into place: a crash leaves no half a key.
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(secret + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

func readKey(path string) (*Key, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, &kit.Error{Code: kit.Denied, Msg: fmt.Sprintf("others may read the signing key %s", path), Hint: "chmod 600 it"}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return ParseKey(strings.TrimSpace(string(data)))
}

// ParseKey reads a secret key, "PRIVATE+KEY+name+hash+base64".
func ParseKey(secret string) (*Key, error) {
	bad := &kit.Error{Code: kit.Invalid, Msg: "the signing key is damaged",
		Hint: "restore it from a backup; a new key makes earlier checkpoints unverifiable with the new public key"}
	signer, err := note.NewSigner(secret)
	if err != nil {
		bad.Err = err
		return nil, bad
	}
	parts := strings.SplitN(secret, "+", 5) // the last, base64, may hold plus signs too
	seed, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return nil, bad
	}
	public, err := note.NewEd25519VerifierKey(signer.Name(), ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey))
	if err != nil {
		bad.Err = err
		return nil, bad
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		bad.Err = err
		return nil, bad
	}
	return &Key{signer, verifier, public}, nil
}
