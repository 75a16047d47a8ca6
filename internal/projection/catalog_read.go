package projection

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/org"
)

// Entry is one version of an entity and when it held.
type Entry struct {
	event.EntityChange
	Seq  int64     // the fact that brought it
	From time.Time // in force from
	To   time.Time // until; zero while it still holds
}

// renameDepth bounds how many renames are followed back.
const renameDepth = 16

const selectEntry = "SELECT seq, from_us, to_us, body FROM catalog_entity WHERE "

func scanEntry(scan func(...any) error) (Entry, error) {
	var e Entry
	var from, to int64
	var body string
	if err := scan(&e.Seq, &from, &to, &body); err != nil {
		return Entry{}, err
	}
	e.From, e.To = micros(from), micros(to)
	return e, json.Unmarshal([]byte(body), &e.EntityChange)
}

func entries(ctx context.Context, q db.Q, where string, args ...any) ([]Entry, error) {
	rows, err := q.QueryContext(ctx, selectEntry+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	defer rows.Close()
	var out []Entry
	for rows.Next() {
		e, err := scanEntry(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("read catalog: %w", err)
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

// EntityAt is an entity as it stood at a moment, under the name it then had: an entity renamed since is found by its new
// name. ok is false when it was not there: not yet, no longer, or never.
func EntityAt(ctx context.Context, q db.Q, ref estate.Ref, at time.Time) (e Entry, ok bool, err error) {
	name := string(ref)
	for range renameDepth {
		e, err = scanEntry(q.QueryRowContext(ctx, selectEntry+"ref = $1 AND from_us <= $2 AND to_us > $2 ORDER BY seq DESC LIMIT 1", name, at.UnixMicro()).Scan)
		if err == nil {
			return e, !e.Removed, nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return Entry{}, false, fmt.Errorf("read %s as of %s: %w", ref, at.Format(time.RFC3339), err)
		}
		err = q.QueryRowContext(ctx, "SELECT was FROM catalog_entity WHERE ref = $1 AND was <> '' AND from_us > $2 ORDER BY seq LIMIT 1", name, at.UnixMicro()).Scan(&name)
		if errors.Is(err, sql.ErrNoRows) {
			return Entry{}, false, nil
		}
		if err != nil {
			return Entry{}, false, fmt.Errorf("read renames of %s: %w", ref, err)
		}
	}
	return Entry{}, false, nil
}

// ServiceAt is the component that a service's name stands for at a moment: a reference or a plain name. See EntityAt.
func ServiceAt(ctx context.Context, q db.Q, name string, at time.Time) (Entry, bool, error) {
	ref, err := estate.ParseRef(name, "component", estate.DefaultNamespace)
	if err != nil {
		return Entry{}, false, nil // no such name can be in the catalog
	}
	e, ok, err := EntityAt(ctx, q, ref, at)
	if ok || err != nil {
		return e, ok, err
	}
	found, err := entries(ctx, q, "kind = $1 AND name = $2 AND from_us <= $3 AND to_us > $3 AND NOT removed ORDER BY ref LIMIT 1", "Component", name, at.UnixMicro())
	if err != nil || len(found) == 0 {
		return Entry{}, false, err
	}
	return found[0], true, nil
}

// EntityHistory lists the versions of an entity, the newest first, with those it had under earlier names.
func EntityHistory(ctx context.Context, q db.Q, ref estate.Ref) ([]Entry, error) {
	var out []Entry
	name := string(ref)
	for range renameDepth {
		some, err := entries(ctx, q, "ref = $1 ORDER BY seq DESC LIMIT 1000", name)
		if err != nil {
			return nil, err
		}
		if len(out) > 0 { // the tombstone of the old name is the rename itself
			for len(some) > 0 && some[0].Removed {
				some = some[1:]
			}
		}
		out = append(out, some...)
		if len(some) == 0 || some[len(some)-1].Was == "" {
			break
		}
		name = some[len(some)-1].Was
	}
	return out, nil
}

// Tombstone is an entity that is gone.
type Tombstone struct {
	Ref    string
	At     time.Time
	Became string // the entity it was renamed to; "" when it was removed
}

// Tombstones lists what is gone and did not come back, the latest first, at most n.
func Tombstones(ctx context.Context, q db.Q, n int) ([]Tombstone, error) {
	rows, err := q.QueryContext(ctx, `SELECT e.ref, e.from_us, COALESCE((SELECT MAX(n.ref) FROM catalog_entity n WHERE n.was = e.ref AND n.seq >= e.seq), '')
		FROM catalog_entity e WHERE e.to_us = $1 AND e.removed ORDER BY e.seq DESC, e.ref LIMIT $2`, int64(forever), n)
	if err != nil {
		return nil, fmt.Errorf("read tombstones: %w", err)
	}
	defer rows.Close()
	var out []Tombstone
	for rows.Next() {
		var t Tombstone
		var at int64
		if err := rows.Scan(&t.Ref, &at, &t.Became); err != nil {
			return nil, fmt.Errorf("read tombstones: %w", err)
		}
		t.At = micros(at)
		out = append(out, t)
	}
	return out, rows.Err()
}

// CatalogAt is the whole catalog as it stood at a moment; empty before the first version.
func CatalogAt(ctx context.Context, q db.Q, at time.Time) (*estate.Catalog, error) {
	found, err := entries(ctx, q, "from_us <= $1 AND to_us > $1 AND NOT removed ORDER BY ref", at.UnixMicro())
	if err != nil {
		return nil, err
	}
	var all []estate.Entity
	for _, f := range found {
		e, err := f.Entity()
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return estate.New(all), nil
}

// Entity is the entry laid out, from its descriptor.
func (e Entry) Entity() (estate.Entity, error) {
	def := map[string]any{"kind": e.Kind, "metadata": map[string]any{"name": e.Name, "namespace": e.Namespace}}
	if len(e.Definition) > 0 {
		d := json.NewDecoder(strings.NewReader(string(e.Definition)))
		d.UseNumber()
		if err := d.Decode(&def); err != nil {
			return estate.Entity{}, fmt.Errorf("read definition of %s: %w", e.Ref, err)
		}
	}
	out, _ := estate.FromDescriptor(def, e.Namespace)
	out.File, out.Line = e.File, e.Line
	return out, nil
}

// CatalogVersion is one version of the org directory that was applied or refused.
type CatalogVersion struct {
	Seq      int64
	At       time.Time
	Version  string
	Digest   string
	Source   string
	Files    int
	Changed  int // entities it changed
	Refused  bool
	Errors   int      // refused: how many
	Problems []string // refused: the first 50
}

// CatalogVersions lists versions before a fact, the newest first, at most n; before 0 = from the newest.
func CatalogVersions(ctx context.Context, q db.Q, before int64, n int) ([]CatalogVersion, error) {
	if before == 0 {
		before = forever
	}
	rows, err := q.QueryContext(ctx, `SELECT seq, at_us, version, digest, source, files, changed, refused, errors, problems
		FROM catalog_version WHERE seq < $1 ORDER BY seq DESC LIMIT $2`, before, n)
	if err != nil {
		return nil, fmt.Errorf("read catalog versions: %w", err)
	}
	defer rows.Close()
	var out []CatalogVersion
	for rows.Next() {
		var v CatalogVersion
		var at int64
		var problems string
		if err := rows.Scan(&v.Seq, &at, &v.Version, &v.Digest, &v.Source, &v.Files, &v.Changed, &v.Refused, &v.Errors, &problems); err != nil {
			return nil, fmt.Errorf("read catalog versions: %w", err)
		}
		if err := json.Unmarshal([]byte(problems), &v.Problems); err != nil {
			return nil, fmt.Errorf("read problems of version %s: %w", v.Version, err)
		}
		v.At = micros(at)
		out = append(out, v)
	}
	return out, rows.Err()
}

// CatalogInForce is what the ledger holds of the version in force, for org.Open; the zero value when there is none yet.
func CatalogInForce(ctx context.Context, q db.Q) (org.InForce, error) {
	f := org.InForce{Entities: map[string]org.Print{}, Policies: map[string]string{}}
	err := q.QueryRowContext(ctx, "SELECT version, digest FROM catalog_version WHERE NOT refused ORDER BY seq DESC LIMIT 1").Scan(&f.Version, &f.Digest)
	if errors.Is(err, sql.ErrNoRows) {
		return f, nil
	}
	if err == nil {
		err = q.QueryRowContext(ctx, `SELECT MAX(seq) FROM (SELECT MAX(seq) AS seq FROM catalog_entity UNION ALL SELECT MAX(seq) FROM policies_version
			UNION ALL SELECT MAX(seq) FROM catalog_version WHERE NOT refused) s`).Scan(&f.Seq)
	}
	if err != nil {
		return org.InForce{}, fmt.Errorf("read version in force: %w", err)
	}
	err = pairs(ctx, q, "SELECT ref, digest, shape FROM catalog_entity WHERE to_us = $1 AND NOT removed", func(ref, digest, shape string) {
		f.Entities[ref] = org.Print{Digest: digest, Shape: shape}
	})
	if err != nil {
		return org.InForce{}, err
	}
	return f, pairs(ctx, q, "SELECT about, digest, '' FROM policies_version WHERE to_us = $1 AND NOT removed", func(about, digest, _ string) {
		f.Policies[about] = digest
	})
}

func pairs(ctx context.Context, q db.Q, query string, visit func(a, b, c string)) error {
	rows, err := q.QueryContext(ctx, query, int64(forever))
	if err != nil {
		return fmt.Errorf("read version in force: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var a, b, c string
		if err := rows.Scan(&a, &b, &c); err != nil {
			return fmt.Errorf("read version in force: %w", err)
		}
		visit(a, b, c)
	}
	return rows.Err()
}
