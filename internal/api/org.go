package api

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/projection"
)

// Org is the org directory: the version in force, and the one that was refused, if any.
type Org struct {
	Organisation string         `json:"organisation,omitempty"`
	Zone         string         `json:"zone,omitempty"`
	Source       string         `json:"source"`
	Version      string         `json:"version" doc:"12 characters: of the digest, or of the Git commit and the digest, such as 3f9a1c2-d106"`
	Commit       string         `json:"commit,omitempty" doc:"What is checked out there, where it is a Git checkout; changes on top show in the digest"`
	Digest       string         `json:"digest"`
	Files        []OrgFile      `json:"files"`
	Entities     map[string]int `json:"entities" doc:"By kind"`
	Objectives   int            `json:"objectives"`
	Problems     []kit.Problem  `json:"problems" doc:"Of the version in force: warnings and notes"`
	Refused      *OrgRefusal    `json:"refused" doc:"The version that now lies in the directory and was not taken; null = none"`
}

// OrgFile is one file of the version in force.
type OrgFile struct {
	Path   string `json:"path"`
	Digest string `json:"digest"`
	Bytes  int    `json:"bytes"`
}

// OrgRefusal is a version that was read and not taken.
type OrgRefusal struct {
	At       time.Time     `json:"at"`
	Problems []kit.Problem `json:"problems"`
}

// OrgVersion is one version that was applied or refused.
type OrgVersion struct {
	Seq      int64     `json:"seq" doc:"Of its fact"`
	At       time.Time `json:"at"`
	Version  string    `json:"version"`
	Digest   string    `json:"digest"`
	Files    int       `json:"files"`
	Changed  int       `json:"changed" doc:"Entities"`
	Refused  bool      `json:"refused"`
	Errors   int       `json:"errors,omitempty"`
	Problems []string  `json:"problems,omitempty" doc:"The first 50"`
}

func (s *server) org() {
	const tag = "Organisation"
	handle(s, operation{id: "get-org", method: http.MethodGet, path: "/org", tag: tag, needs: auth.Read, summary: "The org directory in force"}, s.getOrg)
	handle(s, operation{id: "list-org-versions", method: http.MethodGet, path: "/org/versions", tag: tag, needs: auth.Read, summary: "Versions applied and refused, newest first"}, s.listVersions)
	handle(s, operation{id: "reload-org", method: http.MethodPost, path: "/org/reload", tag: tag, needs: auth.ReloadOrg, summary: "Read the org directory again",
		about: "It is watched; this reads it now. A version with errors is refused with them, and the one in force stays."}, s.reload)
}

func (s *server) getOrg(_ context.Context, in *Conditional) (*one[Org], error) {
	return tagged(*in, s.orgNow())
}

func (s *server) orgNow() Org {
	d := s.Directory()
	out := Org{Organisation: d.Config.Organisation, Zone: d.Config.Zone, Source: d.Path, Version: d.Version, Commit: d.Commit, Digest: d.Digest, Objectives: len(d.Objectives),
		Files: []OrgFile{}, Entities: map[string]int{}, Problems: append([]kit.Problem{}, d.Problems...)}
	for _, f := range d.Files {
		out.Files = append(out.Files, OrgFile{Path: f.Path, Digest: f.Digest, Bytes: len(f.Data)})
	}
	for _, e := range d.Catalog.All() {
		out.Entities[e.Kind]++
	}
	if problems, at := s.Refused(); !at.IsZero() {
		out.Refused = &OrgRefusal{At: at, Problems: problems}
	}
	return out
}

type listVersionsIn struct {
	Paging
	Conditional
}

func (s *server) listVersions(ctx context.Context, in *listVersionsIn) (*page[OrgVersion], error) {
	before := int64(0)
	if in.Cursor != "" {
		text, err := base64.RawURLEncoding.DecodeString(in.Cursor)
		if err == nil {
			before, err = strconv.ParseInt(string(text), 10, 64)
		}
		if err != nil || before < 1 {
			return nil, errCursor
		}
	}
	found, err := projection.CatalogVersions(ctx, s.Ledger.DB().Read(), before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &page[OrgVersion]{Body: list[OrgVersion]{Items: []OrgVersion{}, Total: -1}}
	for _, v := range found[:min(len(found), in.Limit)] {
		out.Body.Items = append(out.Body.Items, OrgVersion{Seq: v.Seq, At: v.At, Version: v.Version, Digest: v.Digest, Files: v.Files, Changed: v.Changed,
			Refused: v.Refused, Errors: v.Errors, Problems: v.Problems})
	}
	if len(found) > in.Limit {
		out.Body.Next = base64.RawURLEncoding.EncodeToString(strconv.AppendInt(nil, found[in.Limit-1].Seq, 10))
	}
	out.ETag, err = in.tag(out.Body)
	return out, err
}

type reloadOut struct{ Body Org }

func (s *server) reload(ctx context.Context, _ *struct{}) (*reloadOut, error) {
	if err := s.Reload(ctx); err != nil {
		if problems, at := s.Refused(); kit.CodeOf(err) == kit.Invalid && !at.IsZero() {
			return nil, refusedOrg(problems)
		}
		return nil, err
	}
	return &reloadOut{s.orgNow()}, nil
}

// refusedOrg names the first errors of a refused version by file and line.
func refusedOrg(problems []kit.Problem) error {
	e := &kit.Error{Code: kit.Invalid, Msg: "the org directory has errors, and the version in force stays", Hint: "mend them; it is read again by itself"}
	for _, p := range problems {
		if p.Severity == kit.SeverityError && len(e.Fields) < 50 {
			e.Fields = append(e.Fields, kit.Field{Path: fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column), Msg: p.Msg + "; " + p.Remedy})
		}
	}
	return e
}
