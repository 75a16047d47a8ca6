package web

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"evenkeel.dev/evenkeel/internal/kit"
)

// title is an objective's name as it stands beside its service's: without the service's name in front, with its group.
func title(o Objective) string {
	name := o.Title
	if name == "" {
		name = o.Name
	}
	name = without(name, o.Service)
	if o.Group != "" {
		name += ", " + groupWords(o.Group)
	}
	return name
}

// fullTitle is an objective's name where it stands alone: "checkout availability", or its title where that does not begin
// with the service's name.
func fullTitle(o Objective) string {
	name := title(o)
	if o.Title != "" && without(o.Title, o.Service) == o.Title {
		return name
	}
	return strings.TrimSpace(o.Service + " " + name)
}

// without takes a leading service's name off, however it is written: "Shipping quotes availability" of shipping-quotes is
// "availability". A name that is nothing else stays.
func without(name, service string) string {
	rest, ok := cutWords(name, service)
	if !ok || rest == "" {
		return name
	}
	return rest
}

// cutWords compares letter by letter, all separators alike.
func cutWords(name, prefix string) (rest string, ok bool) {
	if prefix == "" {
		return name, false
	}
	a, b := []rune(name), []rune(prefix)
	if len(a) <= len(b) {
		return name, false
	}
	for i, r := range b {
		if plainRune(a[i]) != plainRune(r) {
			return name, false
		}
	}
	if plainRune(a[len(b)]) != ' ' {
		return name, false
	}
	return strings.TrimLeft(string(a[len(b):]), " -_.:"), true
}

func plainRune(r rune) rune {
	if strings.ContainsRune("-_.: ", r) {
		return ' '
	}
	return unicode.ToLower(r)
}

// groupWords prints a group's labels for people: `region="eu",tier="1"` is "region eu, tier 1".
func groupWords(key string) string {
	var out []string
	for rest := key; rest != ""; {
		name, quoted, ok := strings.Cut(rest, "=")
		value, err := strconv.QuotedPrefix(quoted)
		if !ok || err != nil {
			return key
		}
		rest = strings.TrimPrefix(quoted[len(value):], ",")
		text, err := strconv.Unquote(value)
		if err != nil {
			return key
		}
		if text == "" {
			text = "(empty)"
		}
		out = append(out, name+" "+text)
	}
	return strings.Join(out, ", ")
}

// RuleName names an alert rule for people, by its severity and its long window: "Page, 1 h". The rule for traffic too
// thin for windows has none.
func RuleName(severity string, long time.Duration) string {
	name := upperFirst(severity)
	if long == 0 {
		return name + ", thin traffic"
	}
	return name + ", " + kit.Duration(long)
}
