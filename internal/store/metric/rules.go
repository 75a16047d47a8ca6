package metric

import (
	"context"

	"evenkeel.dev/evenkeel/internal/kit"
)

// RuleGroup is one group of rules as a server evaluates them.
type RuleGroup struct {
	Name  string        `json:"name"`
	File  string        `json:"file"`
	Rules []ServingRule `json:"rules"`
}

// ServingRule is one rule that a server evaluates.
type ServingRule struct {
	Name        string            `json:"name"`
	Type        string            `json:"type"` // alerting or recording
	Query       string            `json:"query"`
	Duration    float64           `json:"duration"` // seconds it has to hold before it fires
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Health      string            `json:"health"` // ok, err, unknown
	LastError   string            `json:"lastError"`
}

// MaxRules is how many rules Remote.Rules takes at most.
const MaxRules = 20_000

// Rules lists the rules that the server evaluates; none is an empty list. More than MaxRules is kit.TooLarge.
func (r *Remote) Rules(ctx context.Context) ([]RuleGroup, error) {
	var got struct {
		Groups []RuleGroup `json:"groups"`
	}
	if _, err := r.get(ctx, "rules", nil, &got); err != nil {
		return nil, err
	}
	n := 0
	for _, g := range got.Groups {
		n += len(g.Rules)
	}
	if n > MaxRules {
		return nil, kit.Errorf(kit.TooLarge, "metric source %s has %d rules, more than %d", r.base.Redacted(), n, MaxRules)
	}
	return got.Groups, nil
}
