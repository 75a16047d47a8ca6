package auth

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// SessionCookie names the cookie of a signed-in browser.
const SessionCookie = "evenkeel_session"

// Guard finds out who sends a request. Off loopback everyone needs a token or a session; on a loopback bind without
// tokens the local user is the administrator, as long as the request names a loopback host: that keeps a foreign web
// page from reaching the server through DNS rebinding, and a reverse proxy from handing out administration.
type Guard struct {
	Keeper   *Keeper
	Loopback bool             // the listener is bound to loopback, and access is not configured
	Now      func() time.Time // wall clock
}

type callerKey struct{}

// From is the caller of a request's context; nobody where no Guard saw it.
func From(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// With puts a caller into a context.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// Wrap puts the caller into each request's context. A wrong token is refused at once; no token is nobody, and the
// handler decides what nobody may see.
func (g *Guard) Wrap(next http.Handler, refuse func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := g.Caller(r)
		if err != nil {
			refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(With(r.Context(), c)))
	})
}

// Caller finds who sends a request.
func (g *Guard) Caller(r *http.Request) (Caller, error) {
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return g.Keeper.ByToken(r.Context(), strings.TrimSpace(bearer), g.Now())
	}
	if _, secret, ok := r.BasicAuth(); ok { // Prometheus and Grafana can send a token as the password
		return g.Keeper.ByToken(r.Context(), secret, g.Now())
	}
	if cookie, err := r.Cookie(SessionCookie); err == nil {
		if c, err := g.Keeper.BySession(r.Context(), cookie.Value, g.Now()); err == nil {
			return c, nil
		}
	}
	if g.Loopback {
		if !loopbackHost(r.Host) || !loopbackPeer(r.RemoteAddr) || r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" {
			return Caller{}, &kit.Error{Code: kit.Denied, Msg: "this server trusts local requests only, and this one names the host " + r.Host,
				Hint: "open it as http://127.0.0.1 or http://localhost, or issue tokens and start it with --auth tokens"}
		}
		return Caller{Name: "local", Role: Admin, Via: "loopback"}, nil
	}
	return Caller{}, nil
}

func loopbackHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func loopbackPeer(addr string) bool {
	ap, err := netip.ParseAddrPort(addr)
	return err == nil && ap.Addr().Unmap().IsLoopback()
}
