package slo

import (
	"bytes"
	"strings"
	"testing"
)

const smallCase = `{"id":"x","unknown":1,"slo":{"sli":"bad_total","target":"0.999","start":1772409600000,"window":{"rolling_s":600}},"slots":{"from":1772409600000,"runs":[[10,1,1000]]},"questions":[{"ask":"budget","at":1772410200000}]}`

func TestReplayGoesOnAfterALineThatCannotBeRead(t *testing.T) {
	in := strings.Join([]string{smallCase, "", "{not json", `{"id":"y","slo":{"target":"1"},"questions":[{"ask":"budget","at":1}]}`, smallCase}, "\n")
	var out bytes.Buffer
	if err := Replay(strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines: %s", len(lines), out.String())
	}
	for i, want := range []string{`"consumed":1,`, `"error":"read case: `, `"id":"y","error":"objective case is refused: /target: `, `"consumed":1,`} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d: %s, want %s in it", i+1, lines[i], want)
		}
	}
}

func TestALineOverTheLimitIsNamedAndTheNextOneAnswered(t *testing.T) {
	in := strings.Repeat("x", maxReplayLine+1) + "\n" + smallCase + "\n"
	var out bytes.Buffer
	if err := Replay(strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "line 1 is longer than 64 MiB") || !strings.Contains(lines[1], `"consumed":1,`) {
		t.Fatalf("%.300s", out.String())
	}
}

func TestAQuestionNobodyKnowsIsNamed(t *testing.T) {
	got := string(ReplayLine([]byte(strings.Replace(smallCase, `"budget"`, `"mood"`, 1))))
	if !strings.Contains(got, `"error":"answer question 1, \"mood\": nobody knows this question"`) {
		t.Fatal(got)
	}
}

func FuzzReplay(f *testing.F) {
	f.Add([]byte(smallCase))
	f.Add([]byte(`{"id":"a","slo":{"sli":"good_total","target":"0.5","start":0,"window":{"calendar":{"unit":"day","zone":"Europe/Berlin"}},"no_data":"hold","method":"timeslices","slice_s":300,"slice_target":"0.9","group_by":["r"]},"series":[{"role":"total","target":"p","labels":{"r":"eu"},"samples":[{"at":0,"every":60000,"v0":1,"inc":[[10,2]]},[700000,null],[900000,5,900001,880000]]},{"role":"good","target":"p","labels":{"r":"eu"},"samples":[[120000,3]]}],"corrections":[{"from":0,"to":60001,"effect":"good","seen":5,"revoked":500000}],"questions":[{"ask":"alerts","from":0,"to":1200000,"group":"eu"},{"ask":"counts","from":0,"to":1200000,"group":"eu"},{"ask":"groups","at":9},{"ask":"policy","from":0,"to":7200000,"thresholds":["0.5"],"group":"eu"},{"ask":"backtest","from":0,"to":900000,"incidents":[[1,2]],"group":"eu"}]}`))
	f.Add([]byte(`{"id":"b","slo":{"sli":"native","target":"0.5","window":{"rolling_s":60},"threshold":"0.3"},"series":[{"role":"hist","samples":[[0,{"schema":0,"count":0}],[60000,{"schema":-1,"count":3,"zc":1,"zt":0.1,"pos":{"-2":1,"3":1},"neg":{"1":0}}]]}],"questions":[{"ask":"budget","at":120000},{"ask":"fireability","rate":"5/1440"},{"ask":"rules"},{"ask":"period","at":1},{"ask":"valid"},{"ask":"ceiling","deps":[{"group":["0.9","0.9"],"need":1}]},{"ask":"gate","bad":"5","total":"9","allowed":"9/1000","severity":"page"}]}`))
	f.Add([]byte(`{"id":"c","slo":{"sli":"histogram","target":"0.5","window":{"rolling_s":3600},"threshold":"0.3","composite":"pooled","components":[{"name":"a","weight":"2","slo":{"no_data":"bad"}}]},"series":[{"role":"bucket","le":"0.25","component":"a","samples":[[0,1],[60000,2]]},{"role":"bucket","le":"+Inf","component":"a","samples":[[0,1],[60000,4]]}],"questions":[{"ask":"budget","at":120000}]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if len(line) > 4096 {
			return
		}
		got := ReplayLine(line)
		if !bytes.HasPrefix(got, []byte(`{"id":`)) || bytes.ContainsRune(got, '\n') {
			t.Fatalf("not a line of answers: %s", got)
		}
	})
}
