package slo

import (
	"encoding/json"
	"math/big"
	"strings"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Decimal is an exact decimal fraction with at most 14 fraction digits, kept as a count of 1e-14.
type Decimal struct {
	units int64
	set   bool
}

const (
	decimalDigits = 14
	decimalOne    = 100_000_000_000_000
)

// ParseDecimal reads "0.999". Not a number, a sign, an exponent or more than 14 fraction digits is an error.
func ParseDecimal(s string) (Decimal, error) {
	whole, frac, _ := strings.Cut(s, ".")
	if len(frac) > decimalDigits || len(whole) == 0 || len(whole) > 4 || !digits(whole) || !digits(frac) {
		return Decimal{}, kit.Errorf(kit.Invalid, "%q is not a decimal such as 0.999 with at most %d fraction digits", s, decimalDigits)
	}
	var n int64
	for _, c := range whole + frac + strings.Repeat("0", decimalDigits-len(frac)) {
		n = n*10 + int64(c-'0')
	}
	return Decimal{n, true}, nil
}

// MustDecimal is ParseDecimal for constants of the program; it panics on a bad one.
func MustDecimal(s string) Decimal {
	d, err := ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// IsSet says whether the decimal was given.
func (d Decimal) IsSet() bool { return d.set }

// Percent divides by 100, exactly: targetPercent 99.9 is 0.999. It loses digits past the fourteenth.
func (d Decimal) Percent() Decimal { return Decimal{d.units / 100, d.set} }

// Float is the nearest float64.
func (d Decimal) Float() float64 {
	f, _ := d.Rat().Float64()
	return f
}

// Complement is 1 - d as the nearest float64; exact before the rounding, so 0.999 gives 0.001.
func (d Decimal) Complement() float64 {
	f, _ := big.NewRat(decimalOne-d.units, decimalOne).Float64()
	return f
}

// Rat is the exact value.
func (d Decimal) Rat() *big.Rat { return big.NewRat(d.units, decimalOne) }

// Cmp orders two decimals.
func (d Decimal) Cmp(e Decimal) int {
	switch {
	case d.units < e.units:
		return -1
	case d.units > e.units:
		return 1
	}
	return 0
}

// String is the shortest decimal text, "0.999".
func (d Decimal) String() string {
	s := d.Rat().FloatString(decimalDigits)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func (d Decimal) MarshalJSON() ([]byte, error) {
	if !d.set {
		return []byte("null"), nil
	}
	return json.Marshal(d.String())
}

func (d *Decimal) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	if s == "null" || s == "" {
		*d = Decimal{}
		return nil
	}
	v, err := ParseDecimal(s)
	*d = v
	return err
}
