package event

import (
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// check gathers what is wrong with a fact's fields.
type check struct{ fields []kit.Field }

// need reports an empty required string.
func (c *check) need(path, v string) {
	if v == "" {
		c.fields = append(c.fields, kit.Field{Path: path, Msg: "is required"})
	}
}

// that reports msg unless ok.
func (c *check) that(ok bool, path, msg string) {
	if !ok {
		c.fields = append(c.fields, kit.Field{Path: path, Msg: msg})
	}
}

// span reports an interval that does not run forward.
func (c *check) span(path string, from, to time.Time) {
	c.that(!from.IsZero(), path+"/from", "is required")
	c.that(to.IsZero() || to.After(from), path+"/to", "must be after from")
}

// err is the error that names all of them, nil for none.
func (c *check) err(k Kind) error {
	if len(c.fields) == 0 {
		return nil
	}
	return &kit.Error{Code: kit.Invalid, Msg: "fact " + string(k) + " is incomplete", Fields: c.fields}
}
