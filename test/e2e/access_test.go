package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestTokensWithoutATokenRefuseToStartWithTheRemedy(t *testing.T) {
	t.Parallel()
	refuses(t, []string{"serve", "--auth", "tokens", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--otlp-http", "off", "--otlp-grpc", "off"},
		"none has been issued", "evenkeel token create")
}

func TestListeningBeyondLoopbackWithoutAccessIsRefused(t *testing.T) {
	t.Parallel()
	refuses(t, []string{"serve", "--data", t.TempDir(), "--listen", "192.0.2.1:0"}, "192.0.2.1:0", "--auth tokens")
	refuses(t, []string{"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--otlp-http", "192.0.2.1:0"}, "OTLP", "--auth tokens")
}

func TestARequestThatNamesAForeignHostIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, "--data", t.TempDir())
	for _, path := range []string{"/", "/api/v1/slos", "/prometheus/api/v1/query?query=up", "/metrics"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.web+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "evil.example"
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s for evil.example: %d, want 401", path, res.StatusCode)
		}
		if !strings.Contains(string(body), "evil.example") {
			t.Errorf("%s for evil.example says %q, want the host named", path, body)
		}
	}
}
