// Package migrate reads service level objectives as other tools write them (OpenSLO, Sloth, Pyrra) and Prometheus rule
// files, and writes ours as OpenSLO and as Prometheus rules. It is pure: bytes in, objectives and findings out.
//
//	ReadSLOs, Read   files -> objectives, with every deviation and refusal at its line
//	Reduce           a PromQL query -> counters to be counted exactly
//	WriteOpenSLO     objectives -> OpenSLO v1, without loss
//	WriteRules       objectives -> one Prometheus rule file under Sloth's metric names
//	ReadRules        Prometheus rule files -> their alerting rules
//	Lint             what to say about objectives beyond their own validity
//
// What maps to what is written down in docs/openslo.md.
package migrate
