package slo

import "gonum.org/v1/gonum/mathext"

const (
	pageAlpha     = 0.0001
	ticketAlpha   = 0.001
	recoveryAlpha = 0.05
	leastFailures = 3
)

// Gate is the significance test that a burn-rate alert must pass (§8): the exact one-sided binomial. It asks how likely
// a service that just keeps its objective would show as many failures in such a window: P(X >= k), X ~ Binomial(n, p)
// with k = floor(bad), n = floor(total), p = allowed/total. It opens for k >= 3, k > n p and P <= 0.0001 for pages,
// 0.001 for tickets. p is 0 where k <= n p: nothing was computed.
func Gate(s Sums, severity string) (p float64, opens bool) {
	alpha := ticketAlpha
	if severity == Page {
		alpha = pageAlpha
	}
	k, n := whole(s.Bad), whole(s.Total)
	if s.Total <= 0 || !above(k, n*s.Allowed/s.Total) {
		return 0, false
	}
	p = atLeast(k, n, s.Allowed/s.Total)
	return p, k >= leastFailures && p <= alpha*(1+1e-9)
}

// shut says at little cost that a gate surely stays shut. By Slud's inequality (Ann. Probab. 5, 1977)
// P(X >= k) >= 1 - Phi((k - n p)/sqrt(n p (1-p))) where p <= 1/2 and n p <= k <= n (1-p); at two standard deviations
// that is 0.023, far above any level that opens.
func shut(s Sums) bool {
	k, n := whole(s.Bad), whole(s.Total)
	if k < leastFailures || s.Total <= 0 {
		return true
	}
	p := s.Allowed / s.Total
	excess := k - n*p
	return p <= 0.5 && k <= n*(1-p) && excess*excess < 4*n*p*(1-p)
}

// atLeast is P(X >= k), X ~ Binomial(n, p): the regularised incomplete beta function I_p(k, n-k+1).
func atLeast(k, n, p float64) float64 {
	switch {
	case k <= 0:
		return 1
	case k > n || p <= 0:
		return 0
	case p >= 1:
		return 1
	}
	return mathext.RegIncBeta(k, n-k+1, p)
}

// recovered says that a short window shows a recovery from the failures of the long one (§8): so few failures that the
// failing service would show them in at most one window of twenty. Silence is none.
func recovered(short, long Sums) bool {
	if long.Total <= 0 {
		return true
	}
	k, n, q := whole(short.Bad), whole(short.Total), long.Bad/long.Total
	if !above(n*q, k) {
		return false
	}
	if short := n*q - k; short*short >= 6*n*q {
		return true // P(X <= k) <= exp(-(n q - k)^2 / (2 n q)), Chernoff's bound, and that is below 0.0498
	}
	return 1-atLeast(k+1, n, q) <= recoveryAlpha*(1+1e-9)
}
