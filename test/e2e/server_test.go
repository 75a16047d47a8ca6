package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// server is a running evenkeel.
type server struct {
	*process
	web  string // "http://127.0.0.1:1234"
	otlp string // OTLP over HTTP, the same shape
}

// starting is how long a start may take on a busy machine.
const starting = 45 * time.Second

var (
	demoWeb  = regexp.MustCompile(`open (http://\S+)`)
	demoOTLP = regexp.MustCompile(`OTLP/HTTP\s+(http://\S+)`)
	logWeb   = regexp.MustCompile(`msg=ready pages=(http://\S+)`)
	logOTLP  = regexp.MustCompile(`otlp_http=(http://\S+)`)
)

// serve starts `evenkeel serve` on free ports and waits until it is ready.
func serve(t *testing.T, args ...string) *server {
	t.Helper()
	args = append([]string{"serve", "--listen", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0", "--otlp-grpc", "off"}, args...)
	s := &server{process: start(t, binary, args...)}
	eventually(t, starting, func() string { return s.announced(logWeb, logOTLP) })
	eventually(t, starting, s.ready)
	return s
}

// announced reads the addresses from what the process wrote.
func (s *server) announced(web, otlp *regexp.Regexp) string {
	text := s.out.String()
	w, o := web.FindStringSubmatch(text), otlp.FindStringSubmatch(text)
	if w == nil || o == nil {
		if s.ended() {
			return "it ended: " + text
		}
		return "no addresses yet"
	}
	s.web, s.otlp = w[1], o[1]
	return ""
}

func (s *server) ready() string {
	status, body, _, err := fetch(s.web + "/-/ready")
	if err != nil || status != http.StatusOK {
		return fmt.Sprintf("ready: %d %s %v", status, body, err)
	}
	return ""
}

var client = &http.Client{Timeout: 20 * time.Second}

// fetch gets a page.
func fetch(url string) (status int, body string, header http.Header, err error) {
	res, err := client.Get(url)
	if err != nil {
		return 0, "", nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), res.Header, err
}

// page gets a page of ours that must answer 200.
func (s *server) page(t *testing.T, path string) (string, http.Header) {
	t.Helper()
	status, body, header, err := fetch(s.web + path)
	if err != nil || status != http.StatusOK {
		t.Fatalf("GET %s: %d %v\n%s", path, status, err, tail(body))
	}
	return body, header
}

// objective is what these tests read of an objective in the API.
type objective struct {
	Name, State, Problem string
	At                   time.Time
	Groups               []struct {
		Key    string
		Budget struct {
			Bad, Total, Remaining float64
			SLI                   *float64
		}
	}
}

// total is the number of events in all budgets of an objective.
func (o objective) total() (n float64) {
	for _, g := range o.Groups {
		n += g.Budget.Total
	}
	return n
}

// objectives reads all objectives from the API.
func (s *server) objectives() (map[string]objective, error) {
	status, body, _, err := fetch(s.web + "/api/v1/slos?limit=500")
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("%d %s", status, body)
	}
	var list struct{ Items []objective }
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		return nil, err
	}
	out := map[string]objective{}
	for _, o := range list.Items {
		out[o.Name] = o
	}
	return out, nil
}

// counted waits until an objective has at least so many events in its budget, and gives it.
func (s *server) counted(t *testing.T, name string, atLeast float64, within time.Duration) (o objective) {
	t.Helper()
	eventually(t, within, func() string {
		all, err := s.objectives()
		if err != nil {
			return err.Error()
		}
		if o = all[name]; o.total() < atLeast || o.total() == 0 {
			return fmt.Sprintf("objective %s stands at %+v", name, o)
		}
		return ""
	})
	return o
}

// facts are the rows of the ledger's page, newest first, as HTML by the fact's number; of one kind, or of all where it is "".
func (s *server) facts(t *testing.T, kind string) map[string]string {
	t.Helper()
	body, _ := s.page(t, "/ledger?kind="+kind)
	out := map[string]string{}
	for _, m := range factRow.FindAllStringSubmatch(body, -1) {
		out[m[1]] = m[0]
	}
	return out
}

var factRow = regexp.MustCompile(`(?s)<tr role="row" id="f(\d+)" class="fact.*?</tr>`)

// refuses runs the program, which must end by itself with an error that holds each of the words.
func refuses(t *testing.T, args []string, words ...string) {
	t.Helper()
	p := start(t, binary, args...)
	ctx, cancel := context.WithTimeout(t.Context(), starting)
	defer cancel()
	select {
	case <-p.done:
	case <-ctx.Done():
		t.Fatalf("%v: still runs, wrote %s", args, p.out.String())
	}
	if p.err == nil {
		t.Errorf("%v: ended well, want a refusal", args)
	}
	for _, w := range words {
		if !strings.Contains(p.out.String(), w) {
			t.Errorf("%v: wrote %q, want %q in it", args, p.out.String(), w)
		}
	}
}
