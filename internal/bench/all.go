package main

// all is every benchmark, in the order in which they run.
var all = []benchmark{
	{"slo-eval", "CPU seconds a round and 1,000 objectives of ten series, counts, facts and result series stored; peer: Sloth-style rules on Prometheus' rule engine", evaluationCost},
	{"slo-window", "cost of a 90 d window against one of 1 h, both full; peer: PromQL increase() over the same samples", windowGrowth},
	{"slo-backtest", "CPU seconds for 1,000 back-tests of 30 days; peer: PromQL range queries of the same burn rates", backtestCost},
	{"remote-write", "samples a CPU second over HTTP; peer: Prometheus' own receiver over a plain TSDB", remoteWrite},
	{"otlp", "metric points a CPU second over HTTP; peer: Prometheus' own receiver over a plain TSDB", otlp},
	{"ledger-append", "CPU a fact, batches of 200, synchronous=FULL, every projection and the tree; peer: a bare insert loop", ledgerAppend},
	{"start", "seconds from exec to /-/ready with 1 M facts and 1,000 objectives", startTime},
	{"memory", "resident memory of the settled demo, and what the evaluation holds for an objective", memory},
	{"pages", "p99 of the first byte of the slowest page with 1,000 services and 1 M facts", pageTime},
}
