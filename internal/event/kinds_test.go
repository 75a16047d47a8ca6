package event_test

import (
	"encoding/json"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"evenkeel.dev/evenkeel/internal/event"
)

func TestEveryKindIsNamedAsItIsListedAndReadsWhatItWrites(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+\.[a-z]+$`)
	for _, k := range event.Kinds() {
		f := event.New(k)
		if f.Kind() != k || !name.MatchString(string(k)) {
			t.Errorf("%s is listed for %T, whose kind is %s", k, f, f.Kind())
		}
		body, err := json.Marshal(f)
		if err != nil {
			t.Errorf("%s: %v", k, err)
			continue
		}
		back, err := event.Decode(k, body)
		if err != nil {
			t.Errorf("%s: %v", k, err)
			continue
		}
		if diff := cmp.Diff(f, back, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(event.Text{})); diff != "" {
			t.Errorf("%s: %s", k, diff)
		}
		if texts, ok := f.(event.Texts); ok && len(texts.Texts()) == 0 {
			t.Errorf("%s lists no text", k)
		}
	}
}

func TestAKindOfANewerProgramIsKeptByteForByte(t *testing.T) {
	body := `{"b":1.50,"a":"<x>"}`
	f, err := event.Decode("future.arrived", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(f.(*event.Unknown).Body); got != body {
		t.Fatalf("got %s", got)
	}
}
