package estate

// Entity is one thing of the catalog: a Backstage descriptor, with what Evenkeel reads from it laid out.
type Entity struct {
	Ref         Ref
	APIVersion  string
	Kind        string // as written: "Component"; unknown kinds are kept
	Namespace   string
	Name        string
	Title       string
	Description string
	Type        string // spec.type
	Lifecycle   string // spec.lifecycle
	Labels      map[string]string
	Annotations map[string]string
	Tags        []string
	Links       []Link

	Owner    Ref   // "" = not said
	System   Ref   // "" = not said
	Domain   Ref   // "" = not said
	Parent   Ref   // Group: the group above; Component: subcomponentOf; Domain: subdomainOf
	Children []Ref // Group
	Members  []Ref // Group
	MemberOf []Ref // User
	Provides []Ref // APIs
	Consumes []Ref // APIs

	Tier            int      // 0..3; -1 = not said
	OnCall          string   // a full reference, or an address; "" = not said
	Environments    []string // as written
	ServiceNames    []string // names in telemetry; the entity's own name when nothing was said
	Availability    float64  // promised by a thing without objective; 0 = not said
	OwnAvailability float64  // by itself, while all it depends on is up; 1 when not said
	Was             []Ref    // references it had before
	Ignore          []string // rules whose warnings are accepted
	Targets         []string // Location: files and addresses

	DependsOn    []Ref
	DependencyOf []Ref
	Soft         []Soft
	Groups       []Group
	References   []Reference // every reference above, with its place

	File       string         // where it was read
	Line       int            // of its document's first key
	Definition map[string]any // the whole descriptor; unknown keys kept
}

// Link is a page about an entity.
type Link struct{ URL, Title, Icon, Type string }

// Soft is a dependency without which the entity degrades.
type Soft struct {
	Ref    Ref
	Impact float64 // share of requests that fail without it, 0..1
}

// Group is a redundant dependency: it is met while at least AtLeast of its members are up.
type Group struct {
	AtLeast int
	Of      []Ref
}

// Reference is one mention of another entity.
type Reference struct {
	Ref   Ref
	Field string // "spec.dependsOn"
	Path  string // JSON pointer: "/spec/dependsOn/0"
	Text  string // as written
}

// Flaw is something wrong inside a descriptor.
type Flaw struct {
	Path   string // JSON pointer
	Rule   string
	Fatal  bool // the entity cannot be used; otherwise a warning
	Msg    string
	Remedy string
}
