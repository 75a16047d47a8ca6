package cli

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// A cell is a string, an int or int64, a float64, a bool, a time.Time or *time.Time (UTC), a time.Duration, or one of the
// types below. nil, an empty text, a zero time and NaN or infinity are "-" for people and empty for programs.
type (
	share  float64  // 0..1; "24.0%" for people, 0.24 for programs
	ratio  float64  // 0..1 and close to 1; "99.923%" for people
	events float64  // how many; "3,827,820" for people
	size   float64  // bytes; "18 MB" for people
	blank  struct{} // continues the row above
)

// none stands for what is not there.
const none = "-"

// opt is a cell for a value that may be missing.
func opt[T any, C any](v *T, cell func(T) C) any {
	if v == nil {
		return nil
	}
	return cell(*v)
}

// seconds is a cell for a length in seconds.
func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Second)
}

// percent is a cell for a ratio.
func percent(x float64) share { return share(x) }

// human is a cell as people read it.
func human(c any) string {
	switch v := c.(type) {
	case nil:
		return none
	case blank:
		return ""
	case string:
		return cmp.Or(v, none)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case time.Duration:
		return kit.Duration(v)
	case time.Time:
		return clock(&v)
	case *time.Time:
		return clock(v)
	case float64:
		return finite(v, func(x float64) string { return strconv.FormatFloat(x, 'g', 3, 64) })
	case share:
		return finite(float64(v), func(x float64) string { return strconv.FormatFloat(100*x, 'f', 1, 64) + "%" })
	case ratio:
		return kit.Percent(float64(v), 3)
	case events:
		return finite(float64(v), kit.Count)
	case size:
		return finite(float64(v), kit.Bytes)
	}
	return none
}

// plain is a cell as programs read it: RFC 3339, ratios, seconds, bytes.
func plain(c any) string {
	number := func(x float64) string {
		return strings.TrimPrefix(finite(x, func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }), none)
	}
	switch v := c.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case time.Duration:
		return number(v.Seconds())
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.UTC().Format(time.RFC3339Nano)
	case *time.Time:
		if v == nil {
			return ""
		}
		return plain(*v)
	case float64:
		return number(v)
	case share:
		return number(float64(v))
	case ratio:
		return number(float64(v))
	case events:
		return number(float64(v))
	case size:
		return number(float64(v))
	case nil, blank:
		return ""
	}
	return human(c)
}

func finite(x float64, text func(float64) string) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return none
	}
	return text(x)
}

// isNumber says whether a cell stands to the right.
func isNumber(c any) bool {
	switch c.(type) {
	case int, int64, float64, share, ratio, events, size, time.Duration:
		return true
	}
	return false
}

// clock is a moment for people: UTC, to the minute; "-" for none.
func clock(t *time.Time) string {
	if t == nil || t.IsZero() {
		return none
	}
	return t.UTC().Format("2006-01-02 15:04Z")
}
