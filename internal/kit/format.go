package kit

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// The printed form of numbers, one place for pages, reports, mail and the terminal. Minus is U+2212, the space before a
// unit does not break.
const (
	minus = "−"
	nbsp  = "\u00a0"
)

// Percent prints a ratio (0.99954) with a fixed number of digits: "99.954%". What is below 1 never rounds up to 100:
// it is cut instead. NaN and infinities print as "–".
func Percent(ratio float64, digits int) string {
	if math.IsNaN(ratio) || math.IsInf(ratio, 0) {
		return "–"
	}
	s := strconv.FormatFloat(math.Abs(ratio)*100, 'f', digits, 64)
	if ratio < 1 && ratio > 0 && strings.HasPrefix(s, "100") {
		scale := math.Pow10(digits)
		s = strconv.FormatFloat(math.Floor(ratio*100*scale)/scale, 'f', digits, 64)
		if strings.HasPrefix(s, "100") { // closer to 1 than a float of this size can say
			s = strconv.FormatFloat(100-1/scale, 'f', digits, 64)
		}
	}
	if ratio < 0 && strings.Trim(s, "0.") != "" {
		s = minus + s
	}
	return s + "%"
}

// Share prints a small ratio with two significant digits, "0.012%", "1.9%", "42%"; zero is "0%". Near 1 it prints as
// Percent with three digits does.
func Share(ratio float64) string {
	if math.IsNaN(ratio) || math.IsInf(ratio, 0) {
		return "–"
	}
	p := math.Abs(ratio) * 100
	switch {
	case p == 0:
		return "0%"
	case p < 0.0001:
		return "<0.0001%"
	case ratio > 0.99 && ratio < 1:
		return Percent(ratio, 3)
	}
	return sign(ratio) + trim(significant(p, 2)) + "%"
}

// Factor prints a burn rate that somebody chose, with the digits it needs: "14.4×", "6×".
func Factor(x float64) string {
	if x <= 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return Burn(x)
	}
	return trim(significant(x, 4)) + "×"
}

// Count prints a number of things: "1,048,213"; from ten million on three digits and a unit, "12.4 M". Fractions are
// rounded; NaN prints as "–".
func Count(n float64) string {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return "–"
	}
	a := math.Abs(n)
	for _, u := range []struct {
		from, by float64
		name     string
	}{{1e13, 1e12, "T"}, {1e10, 1e9, "G"}, {1e7, 1e6, "M"}} {
		if a >= u.from {
			return sign(n) + significant(a/u.by, 3) + nbsp + u.name
		}
	}
	return sign(math.Round(n)) + thousands(strconv.FormatFloat(math.Round(a), 'f', 0, 64))
}

// Seq prints a place in the ledger: "#1,048,201".
func Seq(n int64) string { return "#" + thousands(strconv.FormatInt(n, 10)) }

// Burn prints a burn rate: two significant digits under 10, else whole, "4.2×", "97×".
func Burn(x float64) string {
	switch {
	case math.IsNaN(x):
		return "–"
	case math.IsInf(x, 0):
		return "∞×"
	case x == 0:
		return "0×"
	case math.Abs(x) < 0.01:
		return "<0.01×"
	}
	s := significant(math.Abs(x), 2)
	if math.Abs(x) < 1 {
		s = trim(s)
	}
	return sign(x) + s + "×"
}

// Number prints a value of unknown meaning with at most four significant digits: "0.01234", "512", "12,345", "1.2e-7".
func Number(v float64) string {
	a := math.Abs(v)
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 0):
		return sign(v) + "∞"
	case a == 0:
		return "0"
	case a < 1e-4 || a >= 1e15:
		return strings.Replace(strconv.FormatFloat(v, 'g', 4, 64), "-", minus, 1)
	case a >= 1000:
		return sign(v) + thousands(strconv.FormatFloat(math.Round(a), 'f', 0, 64))
	}
	return sign(v) + trim(significant(a, 4))
}

// trim takes needless zeros behind the point away.
func trim(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}

// Bytes prints a size in powers of 1,000: "186 B", "2.4 MB", "13 GB".
func Bytes(n float64) string {
	if math.IsNaN(n) {
		return "–"
	}
	units := []string{"B", "kB", "MB", "GB", "TB", "PB"}
	i := 0
	for math.Abs(n) >= 999.5 && i < len(units)-1 {
		n /= 1000
		i++
	}
	if i == 0 {
		return Count(n) + nbsp + units[0]
	}
	return significant(n, 2) + nbsp + units[i]
}

// Duration prints a length with its two largest units: "586 ms", "48 s", "1 min 48 s" under ten minutes, "46 min",
// "5 h 58 min", "12 d 4 h". Zero parts are left out.
func Duration(d time.Duration) string {
	if d < 0 {
		return minus + Duration(-d)
	}
	switch {
	case d == 0:
		return "0" + nbsp + "s"
	case d < time.Millisecond:
		return strconv.FormatInt(d.Microseconds(), 10) + nbsp + "µs"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + nbsp + "ms"
	case d < 10*time.Minute:
		d = d.Round(time.Second)
		return parts(d, time.Minute, "min", time.Second, "s")
	case d < time.Hour-30*time.Second:
		return parts(d.Round(time.Minute), time.Hour, "h", time.Minute, "min")
	case d < 24*time.Hour-30*time.Second:
		return parts(d.Round(time.Minute), time.Hour, "h", time.Minute, "min")
	}
	return parts(d.Round(time.Hour), 24*time.Hour, "d", time.Hour, "h")
}

func parts(d, big time.Duration, bigName string, small time.Duration, smallName string) string {
	b, s := int64(d/big), int64(d%big/small)
	switch {
	case b == 0:
		return strconv.FormatInt(s, 10) + nbsp + smallName
	case s == 0:
		return strconv.FormatInt(b, 10) + nbsp + bigName
	}
	return strconv.FormatInt(b, 10) + nbsp + bigName + " " + strconv.FormatInt(s, 10) + nbsp + smallName
}

// Plural joins a count and a noun: "1 fact", "1,048,213 facts". Many is the noun's plural form.
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(float64(n)) + " " + many
}

func sign(v float64) string {
	if v < 0 {
		return minus
	}
	return ""
}

// significant prints a positive number with n significant digits, whole from 10^(n-1) on.
func significant(v float64, n int) string {
	digits := n - 1 - int(math.Floor(math.Log10(v)))
	s := strconv.FormatFloat(v, 'f', max(digits, 0), 64)
	if digits > 0 && len(strings.Trim(strings.ReplaceAll(s, ".", ""), "0")) > 0 {
		if whole := strings.TrimLeft(strings.ReplaceAll(s, ".", ""), "0"); len(whole) > n { // 9.96 rounds to 10.0
			s = strconv.FormatFloat(v, 'f', digits-1, 64)
		}
	}
	return thousands(s)
}

func thousands(s string) string {
	whole, frac, has := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if has {
		return whole + "." + frac
	}
	return whole
}
