package estate

// Labels and annotations that Evenkeel reads from Backstage entities. All other labels, annotations and keys are kept as
// they are. docs/org-directory.md is the same list for people who write files.
//
//	metadata:
//	  name: checkout
//	  labels:
//	    evenkeel.dev/tier: "0"
//	  annotations:
//	    evenkeel.dev/soft-dependencies: recommendations=0.05, resource:mail
//	    evenkeel.dev/dependency-groups: 1 of resource:db-a, resource:db-b
//	    evenkeel.dev/on-call: group:team-checkout
//	    evenkeel.dev/environments: production, staging
//	spec:
//	  dependsOn: [component:payments, component:recommendations, resource:db-a, resource:db-b, resource:mail]
const (
	// Prefix begins each name that is ours.
	Prefix = "evenkeel.dev/"

	// LabelTier is a label: "0" (the organisation stops without it) to "3" (nobody is woken for it).
	LabelTier = Prefix + "tier"

	// SoftDependencies lists dependencies without which the service degrades instead of failing: references separated by
	// commas, each with the share of requests that fail without it behind "=" ("recommendations=0.05"; 0 when left out).
	// A listed thing need not stand in dependsOn; one that stands in both is soft.
	SoftDependencies = Prefix + "soft-dependencies"

	// DependencyGroups lists redundant dependencies: "m of a, b, c"; several groups are separated by ";". The service
	// fails when fewer than m of them are up. Members that also stand in dependsOn count only in their group.
	DependencyGroups = Prefix + "dependency-groups"

	// Environments lists where the thing runs, separated by commas: "production, staging".
	Environments = Prefix + "environments"

	// OnCall names who is woken for the thing: a reference to a Group or User ("group:team-checkout"), or an address such
	// as "https://..." or "mailto:...". On a Group it holds for everything the group owns and that names none itself.
	OnCall = Prefix + "on-call"

	// ServiceNames lists the names under which telemetry shows the thing (OpenTelemetry service.name, a Prometheus job),
	// separated by commas. Without it the entity's own name is taken.
	ServiceNames = Prefix + "service-names"

	// Availability is what a thing without an objective promises, such as a supplier's SLA: "0.9995". It counts in the
	// ceiling of whatever depends on it.
	Availability = Prefix + "availability"

	// OwnAvailability is how available the thing is by itself, while all that it depends on is up: "0.9999"; 1 when left
	// out. It counts in its own ceiling.
	OwnAvailability = Prefix + "own-availability"

	// Was lists references the entity had before it was renamed, separated by commas, so that its history goes on.
	Was = Prefix + "was"

	// LintIgnore lists rules, separated by commas, whose warnings about this entity are known and accepted. Errors stay.
	LintIgnore = Prefix + "lint-ignore"
)

// Name documents one label or annotation of ours.
type Name struct {
	Key     string
	Label   bool   // a label; an annotation otherwise
	Pattern string // ECMA 262 regular expression that the value matches; "" = any text
	Example string
	Doc     string // one sentence
}

// Names lists every label and annotation that Evenkeel reads, in the order of the documentation.
var Names = []Name{
	{LabelTier, true, `^[0-3]$`, `"0"`, "How much depends on it: 0 (the organisation stops) to 3 (nobody is woken)."},
	{SoftDependencies, false, "", "recommendations=0.05, resource:mail", "Dependencies it degrades without instead of failing; behind = the share of requests that fail without it."},
	{DependencyGroups, false, "", "1 of resource:db-a, resource:db-b", "Redundant dependencies: it fails when fewer than m of a group are up; groups are separated by ;."},
	{Environments, false, "", "production, staging", "Where it runs."},
	{OnCall, false, "", "group:team-checkout", "Who is woken for it; on a Group, for everything the group owns."},
	{ServiceNames, false, "", "checkout, checkout-worker", "Names under which telemetry shows it; its own name when left out."},
	{Availability, false, `^(0(\.[0-9]{1,12})?|1(\.0{1,12})?)$`, `"0.9995"`, "What a thing without an objective promises, such as a supplier's SLA."},
	{OwnAvailability, false, `^(0(\.[0-9]{1,12})?|1(\.0{1,12})?)$`, `"0.9999"`, "How available it is by itself, while all that it depends on is up."},
	{Was, false, "", "component:cart", "References it had before it was renamed."},
	{LintIgnore, false, "", "tier-inversion", "Rules whose warnings about this entity are known and accepted."},
}
