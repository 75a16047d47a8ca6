package slo

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// The worked examples of docs/slo.md, each as it stands there. T is 2026-03-02T00:00Z.
var worked = []struct {
	name, slo, data, ask string
	want                 string // what the answer holds
}{
	{"a counter reset counts what came after it", `"target":"0.999","window":{"rolling_s":86400}`,
		`"series":[{"role":"total","samples":[[T0,1000],[T1,1100],[T2,30],[T3,130]]}]`, `{"ask":"counts","from":T0,"to":T60}`, `{"total":230}`},
	{"a bridge keeps events whole", `"target":"0.999","window":{"rolling_s":86400}`,
		`"series":[{"role":"total","samples":[[T0,0],[T60,7]]}]`, `{"ask":"counts","from":T50,"to":T60,"known":T60}`, `{"total":2,"valid_s":600}`},
	{"before the bridge nothing was known", `"target":"0.999","window":{"rolling_s":86400}`,
		`"series":[{"role":"total","samples":[[T0,0],[T60,7]]}]`, `{"ask":"counts","from":T0,"to":T30}`, `{"total":0,"valid_s":360}`},
	{"the first error of a watched target is not lost", `"target":"0.999","window":{"rolling_s":86400}`,
		`"series":[{"role":"total","target":"pod-1","samples":[{"at":T0,"every":60000,"v0":0,"inc":[[59,10]]}]},{"role":"bad","target":"pod-1","samples":[[T20,1],[T21,1],[T22,3]]}]`,
		`{"ask":"counts","from":T0,"to":T60}`, `{"bad":3}`},
	{"skew between good and total evens out", `"sli":"good_total","target":"0.999","window":{"rolling_s":86400}`,
		`"series":[{"role":"total","samples":[[T0,0],[T1,100],[T2,200],[T3,300]]},{"role":"good","samples":[[T0,0],[T1,101],[T2,199],[T3,299]]}]`,
		`{"ask":"budget","at":T4}`, `{"bad":1,"total":300,"clamped":false}`},
	{"silence that is held", `"target":"0.99","window":{"rolling_s":86400},"no_data":"hold"`, silence, `{"ask":"counts","from":T66,"to":T125}`, `{"bad":88.5,"total":7080}`},
	{"silence that is bad", `"target":"0.99","window":{"rolling_s":86400},"no_data":"bad"`, silence, `{"ask":"counts","from":T66,"to":T125}`, `{"bad":7080,"total":7080}`},
	{"silence that is excluded", `"target":"0.99","window":{"rolling_s":86400}`, silence, `{"ask":"counts","from":T66,"to":T125}`, `{"bad":0,"total":0,"valid_s":0}`},
	{"ten of ten thousand are exactly all of 99.9 %", `"target":"0.999","window":{"rolling_s":600}`,
		`"slots":{"from":T0,"runs":[[10,1,1000]]}`, `{"ask":"budget","at":T10}`, `{"consumed":1,"remaining":0,"exhausts_in_s":0}`},
	{"an edited target neither forgives nor accuses", `"versions":[{"from":T0,"target":"0.99"},{"from":T1440,"target":"0.999"}],"window":{"rolling_s":172800}`,
		`"slots":{"from":T0,"runs":[[2880,1,200]]}`, `{"ask":"budget","at":T2880}`, `{"bad":2880,"consumed":0.9090909090909091,"remaining_current":-4}`},
	{"old spending leaves while new comes in", `"target":"0.999","window":{"rolling_s":86400},"projection_s":3600`,
		`"slots":{"from":T0,"runs":[[1380,0,1000],[60,3,1000]]}`, `{"ask":"budget","at":T1440}`, `{"consumed":0.125,"exhausts_in_s":26295.652173913044}`},
	{"three failures an hour at 69 requests open the gate", `"target":"0.999","window":{"rolling_s":86400}`, `"series":[]`,
		`{"ask":"gate","bad":"3","total":"69","allowed":"0.069","severity":"page"}`, `{"passes":true}`},
	{"two do not", `"target":"0.999","window":{"rolling_s":86400}`, `"series":[]`,
		`{"ask":"gate","bad":"2","total":"69","allowed":"0.069","severity":"page"}`, `{"passes":false}`},
	{"a total outage pages in a minute and the page ends when the service has recovered", `"target":"0.999","window":{"rolling_s":2592000}`,
		`"slots":{"from":T0,"runs":[[720,0,600],[30,600,600],[200,0,600]]}`, `{"ask":"alerts","from":T0,"to":T900}`,
		`{"page-1h":[[T721,T760]],"page-6h":[[T723,T795]],"pages":[[T721,T795]]}`},
	{"at 37 requests a day the page comes with the third failure", `"target":"0.999","window":{"rolling_s":2592000}`, `"series":[]`,
		`{"ask":"fireability","rate":"37/1440"}`, `{"rules":{"page-1h":{"fires_after_s":null,"ends_after_s":null},"page-6h":{"fires_after_s":7020,"ends_after_s":22500}}}`},
	{"two of three replicas", `"target":"0.999","window":{"rolling_s":86400}`, `"series":[]`,
		`{"ask":"ceiling","deps":[{"group":["0.99","0.99","0.99"],"need":2}]}`, `{"serial":0.999702}`},
	{"a pair that no outage exceeds is left out", `"target":"0.93","window":{"rolling_s":2592000}`, `"series":[]`,
		`{"ask":"rules"}`, `{"left_out":[{"name":"page-1h","why":"unreachable"}]}`},
	{"a native histogram counts whole buckets", `"sli":"native","target":"0.9","window":{"rolling_s":86400},"threshold":"0.3"`,
		`"series":[{"role":"hist","target":"p","samples":[[T0,{"schema":0,"count":0}],[T1,{"schema":0,"count":14,"zc":2,"zt":0.001,"pos":{"-2":3,"-1":4,"0":5}}]]}]`,
		`{"ask":"counts","from":T0,"to":T5}`, `{"bad":9,"total":14}`},
}

const silence = `"series":[{"role":"total","samples":[{"at":T0,"every":60000,"v0":0,"inc":[[60,120]]},{"at":T125,"every":60000,"v0":0,"inc":[[9,120]]}]},` +
	`{"role":"bad","samples":[{"at":T0,"every":60000,"v0":0,"inc":[[30,0],[30,3]]},{"at":T125,"every":60000,"v0":0,"inc":[[9,3]]}]}]`

// timed replaces Tn by the instant n minutes after T0, outside of words.
func timed(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		j := i + 1
		for j < len(s) && s[j] >= '0' && s[j] <= '9' {
			j++
		}
		if s[i] != 'T' || j == i+1 {
			b.WriteByte(s[i])
			continue
		}
		var n int64
		fmt.Sscan(s[i+1:j], &n)
		fmt.Fprint(&b, int64(benchStart)+n*SlotMS)
		i = j - 1
	}
	return b.String()
}

func TestWorkedExamplesOfTheManual(t *testing.T) {
	for _, w := range worked {
		t.Run(w.name, func(t *testing.T) {
			sli := ""
			if !strings.Contains(w.slo, `"sli"`) {
				sli = `"sli":"bad_total",`
			}
			line := timed(`{"id":"w","slo":{` + sli + `"start":T0,` + w.slo + `},` + w.data + `,"questions":[` + w.ask + `]}`)
			var got struct {
				Answers []map[string]any
				Error   string
			}
			if err := json.Unmarshal(ReplayLine([]byte(line)), &got); err != nil || got.Error != "" {
				t.Fatalf("%v %s", err, got.Error)
			}
			var want map[string]any
			if err := json.Unmarshal([]byte(timed(w.want)), &want); err != nil {
				t.Fatal(err)
			}
			for k, v := range want {
				if d := within(v, got.Answers[0][k], k); d != "" {
					t.Error(d)
				}
			}
		})
	}
}

// within is differ for objects of which only some fields are told.
func within(want, got any, at string) string {
	w, isMap := want.(map[string]any)
	g, ok := got.(map[string]any)
	if !isMap || !ok {
		return differ(want, got, at)
	}
	for k, v := range w {
		if d := within(v, g[k], at+"/"+k); d != "" {
			return d
		}
	}
	return ""
}

func TestPeriodsFollowTheWallClockThroughSkippedAndDoubledHours(t *testing.T) {
	p := mustPlan(t, Objective{Target: MustDecimal("0.9"), Tier: 3, Window: Window{Unit: "day", Count: 1, Zone: "Europe/Berlin", Anchor: "2026-01-01T02:30"}})
	for at, want := range map[string]string{
		"2026-03-29T00:59:59Z": "2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z": "2026-03-29T01:00:00Z", // the clock jumps from 2 to 3
		"2026-10-25T00:29:59Z": "2026-10-24T00:30:00Z", "2026-10-25T01:30:00Z": "2026-10-25T00:30:00Z", // half past two comes twice
	} {
		if from, _ := p.Period(At(parseTime(t, at))); from != At(parseTime(t, want)) {
			t.Errorf("the period at %s began at %s, want %s", at, from.Time(), want)
		}
	}
}
