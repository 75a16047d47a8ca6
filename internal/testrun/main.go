// Command testrun runs `go test -json` with the arguments it is given and prints what a person wants to read: a line a
// package, the output of what failed, the tests that were skipped with their reason, and one closing line
// "N passed, N failed, N skipped". Where CI=true a skipped test fails the run.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// record is one line of `go test -json` (go doc test2json).
type record struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

// tally collects the outcome of a run.
type tally struct {
	passed, failed, skipped int
	output                  map[string][]string // by package and test
	skips                   []string
}

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		fmt.Fprintln(os.Stderr, "testrun:", err)
		return 2
	}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "testrun: start go test:", err)
		return 2
	}
	t := tally{output: map[string][]string{}}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		var r record
		if json.Unmarshal(lines.Bytes(), &r) != nil {
			fmt.Println(lines.Text()) // a build error, before any test
			continue
		}
		t.take(r)
	}
	err = cmd.Wait()
	return t.close(err)
}

func (t *tally) take(r record) {
	key := r.Package + " " + r.Test
	switch r.Action {
	case "output", "build-output":
		t.output[key] = append(t.output[key], r.Output)
	case "pass", "fail", "skip":
		if r.Test == "" {
			t.packageEnded(r, key)
			return
		}
		t.testEnded(r, key)
	}
}

func (t *tally) testEnded(r record, key string) {
	switch r.Action {
	case "pass":
		t.passed++
	case "fail":
		t.failed++
		fmt.Printf("FAIL %s\n%s", key, strings.Join(t.output[key], ""))
	case "skip":
		t.skipped++
		t.skips = append(t.skips, key+": "+reason(t.output[key]))
	}
	delete(t.output, key)
}

func (t *tally) packageEnded(r record, key string) {
	switch {
	case r.Action == "fail":
		fmt.Printf("FAIL %s (%.1f s)\n%s", r.Package, r.Elapsed, strings.Join(t.output[key], ""))
	case r.Action == "pass":
		fmt.Printf("ok   %s (%.1f s)\n", r.Package, r.Elapsed)
	}
}

// reason is the text that a test gave when it skipped itself.
func reason(output []string) string {
	for _, line := range output {
		if _, why, ok := strings.Cut(line, ".go:"); ok {
			_, why, _ = strings.Cut(why, ": ")
			return strings.TrimSpace(why)
		}
	}
	return "no reason given"
}

func (t *tally) close(err error) int {
	for _, s := range t.skips {
		fmt.Println("skip", s)
	}
	code := 0
	if err != nil {
		code = 1
		fmt.Println("go test:", err)
	}
	if t.skipped > 0 && os.Getenv("CI") == "true" {
		code = 1
		fmt.Println("CI=true: a skipped test fails the run, since it proves nothing")
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	return code
}
