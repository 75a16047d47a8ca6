package estate

import (
	"cmp"
	"fmt"
	"strings"
)

// Ref names an entity as Backstage does, in full and in lower case: "component:default/checkout". Source: Backstage,
// "Entity References", string form.
type Ref string

// DefaultNamespace is the namespace of an entity that names none.
const DefaultNamespace = "default"

// NewRef makes a full reference; an empty namespace is the default one.
func NewRef(kind, namespace, name string) Ref {
	return Ref(strings.ToLower(kind + ":" + cmp.Or(namespace, DefaultNamespace) + "/" + name))
}

// ParseRef reads "[kind:][namespace/]name". What is left out is taken from the defaults; an empty default kind makes the
// kind required.
func ParseRef(text, kind, namespace string) (Ref, error) {
	rest := strings.TrimSpace(text)
	if k, after, ok := strings.Cut(rest, ":"); ok {
		kind, rest = k, after
	}
	if ns, after, ok := strings.Cut(rest, "/"); ok {
		namespace, rest = ns, after
	}
	switch {
	case kind == "":
		return "", fmt.Errorf("%q names no kind, as in component:%s", text, cmp.Or(rest, "name"))
	case namespace == "" || !refPart(kind) || !refPart(namespace) || !refPart(rest):
		return "", fmt.Errorf("%q is not a reference such as group:team-a or component:default/checkout", text)
	}
	return NewRef(kind, namespace, rest), nil
}

// refPart says whether a part of a reference is usable: 1 to 253 characters, none of which separates parts or lists.
func refPart(s string) bool {
	return s != "" && len(s) <= 253 && !strings.ContainsAny(s, ":/,;= \t\r\n")
}

// Kind is the part before the colon, lower case.
func (r Ref) Kind() string { k, _, _ := strings.Cut(string(r), ":"); return k }

// Namespace is the part between colon and slash.
func (r Ref) Namespace() string {
	_, rest, _ := strings.Cut(string(r), ":")
	ns, _, _ := strings.Cut(rest, "/")
	return ns
}

// Name is the part behind the slash.
func (r Ref) Name() string { _, n, _ := strings.Cut(string(r), "/"); return n }

// Short is the reference as people write it: without the default namespace, and without the kind for a component.
func (r Ref) Short() string {
	name := r.Name()
	if ns := r.Namespace(); ns != DefaultNamespace {
		name = ns + "/" + name
	}
	if k := r.Kind(); k != "component" {
		return k + ":" + name
	}
	return name
}
