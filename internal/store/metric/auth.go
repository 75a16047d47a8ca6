package metric

import (
	"fmt"

	promconfig "github.com/prometheus/common/config"
)

// Auth is how to sign in at another server. At most one of the ways is set. Secrets are never printed.
type Auth struct {
	Bearer     string // token
	BearerFile string // file with the token, read again when it changes
	User       string // basic
	Password   string
	PassFile   string
	Headers    map[string]string // sent with every request, "X-Scope-OrgID"
	TLS        TLS
}

// TLS says which certificates to trust and to show.
type TLS struct {
	CAFile     string // "" = the system's
	CertFile   string
	KeyFile    string
	ServerName string
	Insecure   bool // do not verify the server
}

// config is Auth in Prometheus' words.
func (a Auth) config() (promconfig.HTTPClientConfig, error) {
	c := promconfig.DefaultHTTPClientConfig
	c.FollowRedirects = false
	c.TLSConfig = promconfig.TLSConfig{CAFile: a.TLS.CAFile, CertFile: a.TLS.CertFile, KeyFile: a.TLS.KeyFile,
		ServerName: a.TLS.ServerName, InsecureSkipVerify: a.TLS.Insecure}
	if a.User != "" {
		c.BasicAuth = &promconfig.BasicAuth{Username: a.User, Password: promconfig.Secret(a.Password), PasswordFile: a.PassFile}
	}
	if a.Bearer != "" || a.BearerFile != "" {
		c.Authorization = &promconfig.Authorization{Type: "Bearer", Credentials: promconfig.Secret(a.Bearer), CredentialsFile: a.BearerFile}
	}
	if len(a.Headers) > 0 {
		c.HTTPHeaders = &promconfig.Headers{Headers: map[string]promconfig.Header{}}
		for k, v := range a.Headers {
			c.HTTPHeaders.Headers[k] = promconfig.Header{Secrets: []promconfig.Secret{promconfig.Secret(v)}}
		}
	}
	if err := c.Validate(); err != nil {
		return c, fmt.Errorf("read authentication settings: %w", err)
	}
	return c, nil
}
