package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// A token reads "ek_<id>_<secret>": the id is public and finds the row, the secret has 256 random bits. Only the
// SHA-256 of the secret is kept; with that many random bits a slow hash would add nothing.
const prefix = "ek_"

func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func newTokenID() string {
	var b [6]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func hash(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}

func matches(secret string, stored []byte) bool {
	return subtle.ConstantTimeCompare(hash(secret), stored) == 1
}

// split takes a token apart; ok is false for anything else.
func split(token string) (id, secret string, ok bool) {
	rest, found := strings.CutPrefix(token, prefix)
	if !found || len(token) > 128 {
		return "", "", false
	}
	return strings.Cut(rest, "_")
}
