package migrate

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"
)

var labelText = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

// isLabel says whether a name is a DNS label, RFC 1123.
func isLabel(s string) bool { return len(s) <= 63 && labelText.MatchString(s) }

var notLabel = regexp.MustCompile(`[^a-z0-9]+`)

// label makes a DNS label of any name: the name itself where it is one. A name that is too long ends in a hash of the
// whole, so that two of them stay apart.
func label(s string) string {
	if isLabel(s) {
		return s
	}
	out := strings.Trim(notLabel.ReplaceAllString(strings.ToLower(s), "-"), "-")
	if len(out) > 63 || out == "" && s != "" {
		h := fnv.New32a()
		h.Write([]byte(s))
		out = strings.Trim(out[:min(len(out), 54)]+fmt.Sprintf("-%08x", h.Sum32()), "-")
	}
	return out
}
