package kit

import (
	"errors"
	"fmt"
	"strings"
)

// Code classes an error by what a caller can do about it. One table in each surface turns it into an HTTP status or
// an exit code.
type Code string

const (
	Invalid     Code = "invalid"     // the input is wrong; HTTP 400 or 422
	NotFound    Code = "not_found"   // no such thing; HTTP 404
	Conflict    Code = "conflict"    // changed meanwhile, or exists already; HTTP 409 or 412
	Denied      Code = "denied"      // the caller may not; HTTP 401 or 403
	TooLarge    Code = "too_large"   // over a limit that the message names; HTTP 413
	Unavailable Code = "unavailable" // try again later; HTTP 503
	Internal    Code = "internal"    // ours to mend; HTTP 500, the text stays in the log
)

// Error is a failure in words for the person who met it: what happened, where, what to do next.
type Error struct {
	Code   Code
	Msg    string  // one sentence, lower case, no full stop
	Hint   string  // what to do next; empty where Msg says it
	Fields []Field // every wrong field of the input, empty for errors that are not about input
	Err    error   // the cause, printed after the message; may be nil

	cause error // already part of Msg
}

// Field is one wrong place in an input.
type Field struct {
	Path string // JSON pointer or form field, "/spec/objectives/0/target"
	Msg  string
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Msg)
	for i, f := range e.Fields {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s: %s", f.Path, f.Msg)
	}
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error {
	if e.Err != nil {
		return e.Err
	}
	return e.cause
}

// Errorf makes an Error of a class. Its text is the formatted one; a %w verb keeps its cause for errors.Is and errors.As.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Msg: err.Error(), cause: errors.Unwrap(err)}
}

// CodeOf classes any error: the code of the first Error in its chain, Internal where there is none, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}
