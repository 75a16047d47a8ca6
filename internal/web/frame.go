package web

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// layoutView is what layout.html shows.
type layoutView struct {
	Base
	Title   string
	Theme   string // "", "light", "dark"
	Sprite  template.HTML
	Content template.HTML
	Top     []section // without a heading
	Groups  []group
	Thumb   []section
	Live    bool
	Slim    bool // show the banner about the org directory
}

type group struct {
	Name     string
	ID       string
	Sections []section
}

type section struct {
	Label   string
	Href    string
	Icon    string
	Key     string
	Current bool
	Badge   int
	Words   string // of the badge: "burning"
}

// frame puts the layout around a page's content.
func (w *Web) frame(ctx context.Context, rw http.ResponseWriter, r *http.Request, p Page, shell Shell, title string, content []byte, status int) {
	v := layoutView{Base: base(ctx, w.s, r), Title: title, Theme: theme(r), Live: w.live && status == http.StatusOK}
	v.Slim = shell.Refused != nil && p.path() != "/organisation"
	w.sections(ctx, &v, p)
	v.Content = template.HTML(content) // made by html/template just now
	var b bytes.Buffer
	b.Grow(len(content) + 16<<10)
	v.Sprite = template.HTML(spriteMark)
	if err := w.layout.Execute(&b, v); err != nil {
		w.log.Error("layout failed", "path", r.URL.Path, "err", err)
		http.Error(rw, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	write(rw, r, bytes.Replace(b.Bytes(), []byte(spriteMark), w.sprite(b.Bytes()), 1), status)
}

// sections fills the section list with the pages of this build, and the badges of those that need a person.
func (w *Web) sections(ctx context.Context, v *layoutView, current Page) {
	badges := w.badges.get(ctx, w.s)
	for _, p := range w.pages {
		if p.Nav == "" || p.Has != nil && !p.Has(w.s) || !v.Me.Can(p.Needs) {
			continue
		}
		b := badges[p.Nav]
		s := section{Label: p.Nav, Href: strings.TrimSuffix(p.path(), "{$}"), Icon: p.Icon, Key: p.Key, Badge: b.n, Words: b.words,
			Current: p.Route == current.Route || current.Nav == "" && strings.HasPrefix(current.path(), p.path()+"/")}
		if s.Icon != "" && len(v.Thumb) < 4 {
			v.Thumb = append(v.Thumb, s)
		}
		if p.Group == "" {
			v.Top = append(v.Top, s)
			continue
		}
		i := slices.IndexFunc(v.Groups, func(g group) bool { return g.Name == p.Group })
		if i < 0 {
			v.Groups = append(v.Groups, group{Name: p.Group, ID: "nav-" + strings.ReplaceAll(strings.ToLower(p.Group), " ", "-")})
			i = len(v.Groups) - 1
		}
		v.Groups[i].Sections = append(v.Groups[i].Sections, s)
	}
}

// badge is how many things of a section need a person.
type badgeCount struct {
	n     int
	words string
}

// badgeCache keeps the counts for two seconds, so that a page does not pay for the whole fleet.
type badgeCache struct {
	mu   sync.Mutex
	at   time.Time
	kept map[string]badgeCount
}

func (c *badgeCache) get(ctx context.Context, s Sources) map[string]badgeCount {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := s.Clock()
	if c.kept != nil && now.Sub(c.at).Abs() < 2*time.Second {
		return c.kept
	}
	c.kept, c.at = countBadges(ctx, s, now), now
	return c.kept
}

func countBadges(ctx context.Context, s Sources, now time.Time) map[string]badgeCount {
	out := map[string]badgeCount{}
	all := gather(ctx, s)
	out["Now"] = badgeCount{len(todos(kit.When{Zone: all.shell.Zone, Now: now}, all)), "things need a person"}
	burning := 0
	for _, o := range all.objectives {
		if o.State.Needs() {
			burning++
		}
	}
	out["Objectives"] = badgeCount{burning, "burning"}
	if all.shell.Refused != nil {
		out["Organisation"] = badgeCount{all.shell.Refused.Errors, "errors"}
	}
	silent := 0
	for _, src := range all.sources {
		if src.Silent {
			silent++
		}
	}
	out["System"] = badgeCount{silent, "silent sources"}
	return out
}

// theme is what the preferences cookie says.
func theme(r *http.Request) string {
	if c, err := r.Cookie("theme"); err == nil && (c.Value == "light" || c.Value == "dark") {
		return c.Value
	}
	return ""
}

// preferences keeps the appearance on this device.
func preferences(rw http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(rw, r.Body, 4<<10)
	value := r.PostFormValue("theme")
	c := &http.Cookie{Name: "theme", Value: value, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if value != "light" && value != "dark" {
		c.Value, c.MaxAge = "", -1
	}
	http.SetCookie(rw, c)
	to := "/"
	if ref := r.Header.Get("Referer"); ref != "" {
		to = ref
	}
	if !sameSite(to, r.Host) {
		to = "/"
	}
	http.Redirect(rw, r, to, http.StatusSeeOther)
}

// sameSite says whether an address stays here: a path of ours, or an absolute one on this host.
func sameSite(to, host string) bool {
	for _, scheme := range []string{"http://", "https://"} {
		if rest, ok := strings.CutPrefix(to, scheme); ok {
			return rest == host || strings.HasPrefix(rest, host+"/")
		}
	}
	return strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && !strings.HasPrefix(to, `/\`)
}

const spriteMark = "<!--sprite-->"

var usedSymbol = regexp.MustCompile(`<use href="#([ig]-[a-z-]+)"`)

// sprite holds just the symbols a page uses, and the two hatches.
func (w *Web) sprite(page []byte) []byte {
	var names []string
	for _, m := range usedSymbol.FindAllSubmatch(page, -1) {
		if name := string(m[1]); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var b bytes.Buffer
	b.WriteString(`<svg class="sprite" width="0" height="0" aria-hidden="true"><defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="h-gap" d="M0 0v6"/></pattern><pattern id="hatch-bad" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="h-bad" d="M0 0v5"/></pattern></defs>`)
	for _, n := range names {
		b.WriteString(w.symbols[n])
	}
	b.WriteString(`</svg>`)
	return b.Bytes()
}

// symbols cuts the icon file into its symbols by id.
func symbols() (map[string]string, error) {
	raw, err := files.ReadFile("static/icons.svg")
	if err != nil {
		return nil, fmt.Errorf("read icons: %w", err)
	}
	out := map[string]string{}
	d := xml.NewDecoder(bytes.NewReader(raw))
	for {
		start := d.InputOffset()
		tok, err := d.Token()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read icons: %w", err)
		}
		el, ok := tok.(xml.StartElement)
		if !ok || el.Name.Local != "symbol" {
			continue
		}
		if err := d.Skip(); err != nil {
			return nil, fmt.Errorf("read icons: %w", err)
		}
		for _, a := range el.Attr {
			if a.Name.Local == "id" {
				out[a.Value] = string(bytes.TrimSpace(raw[start:d.InputOffset()]))
			}
		}
	}
}

// Stale says that the last evaluation is too long ago to trust what the page shows.
func (v layoutView) Stale() bool { return v.When.Now.Sub(v.Shell.Evaluated) > 2*time.Minute }
