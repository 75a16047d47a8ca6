package web

import (
	"testing"
	"time"
)

func TestAnObjectiveDoesNotSayItsServiceTwice(t *testing.T) {
	for _, c := range []struct{ service, name, title, group, short, full string }{
		{"gateway", "gateway-availability", "Gateway availability", "", "availability", "gateway availability"},
		{"shipping-quotes", "x", "Shipping quotes: latency", "", "latency", "shipping-quotes latency"},
		{"checkout", "checkout-latency", "", "", "latency", "checkout latency"},
		{"checkout", "placing", "Placing an order", "", "Placing an order", "Placing an order"},
		{"cart", "cartesian", "", "", "cartesian", "cart cartesian"},
		{"cart", "cart", "", "", "cart", "cart cart"},
		{"", "home", "", "", "home", "home"},
		{"gateway", "gateway-availability", "Gateway availability", `http_route="/a, \"b\"",region=""`, `availability, http_route /a, "b", region (empty)`, `gateway availability, http_route /a, "b", region (empty)`},
		{"gateway", "gateway-availability", "", "not a group", "availability, not a group", "gateway availability, not a group"},
	} {
		o := Objective{Service: c.service, Name: c.name, Title: c.title, Group: c.group}
		if got := title(o); got != c.short {
			t.Errorf("%s %q beside its service: %q, want %q", c.name, c.title, got, c.short)
		}
		if got := fullTitle(o); got != c.full {
			t.Errorf("%s %q alone: %q, want %q", c.name, c.title, got, c.full)
		}
	}
}

func TestRulesHaveNamesForPeople(t *testing.T) {
	if a, b := RuleName("page", time.Hour), RuleName("ticket", 0); a != "Page, 1\u00a0h" || b != "Ticket, thin traffic" {
		t.Errorf("%q, %q", a, b)
	}
}
