package projection

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// forever ends what still holds.
const forever = math.MaxInt64

// Catalog holds every version of every entity with the time it was in force, and every version of the org directory that
// was applied or refused. A tombstone is a row with removed set.
var Catalog = ledger.Projection{
	Name:    "catalog",
	Version: 1,
	Schema: `CREATE TABLE catalog_entity (
			ref TEXT NOT NULL,
			seq BIGINT NOT NULL,
			from_us BIGINT NOT NULL,
			to_us BIGINT NOT NULL,
			removed BOOLEAN NOT NULL,
			was TEXT NOT NULL,
			kind TEXT NOT NULL,
			name TEXT NOT NULL,
			owner TEXT NOT NULL,
			tier BIGINT NOT NULL,
			digest TEXT NOT NULL,
			shape TEXT NOT NULL,
			body TEXT NOT NULL,
			PRIMARY KEY (ref, seq));
		CREATE INDEX catalog_entity_until ON catalog_entity (to_us, from_us);
		CREATE INDEX catalog_entity_was ON catalog_entity (was);
		CREATE TABLE catalog_version (
			seq BIGINT PRIMARY KEY,
			at_us BIGINT NOT NULL,
			version TEXT NOT NULL,
			digest TEXT NOT NULL,
			source TEXT NOT NULL,
			files BIGINT NOT NULL,
			changed BIGINT NOT NULL,
			refused BOOLEAN NOT NULL,
			errors BIGINT NOT NULL,
			problems TEXT NOT NULL);
		CREATE INDEX catalog_version_digest ON catalog_version (digest)`,
	Kinds: []event.Kind{"catalog.applied", "catalog.refused"},
	Apply: func(ctx context.Context, q db.Q, e event.Event) error {
		switch f := e.Fact.(type) {
		case *event.CatalogApplied:
			return applyCatalog(ctx, q, e, f)
		case *event.CatalogRefused:
			problems, err := json.Marshal(f.Problems)
			if err != nil {
				return err
			}
			_, err = q.ExecContext(ctx, insertVersion, e.Seq, e.At.UnixMicro(), short(f.Digest), f.Digest, f.Source, 0, 0, true, f.Errors, string(problems))
			return err
		}
		return nil
	},
}

const insertVersion = `INSERT INTO catalog_version (seq, at_us, version, digest, source, files, changed, refused, errors, problems)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

func applyCatalog(ctx context.Context, q db.Q, e event.Event, f *event.CatalogApplied) error {
	var err error
	if f.Part <= 1 {
		_, err = q.ExecContext(ctx, insertVersion, e.Seq, e.At.UnixMicro(), f.Version, f.Digest, f.Source, f.Files, len(f.Changed), false, 0, "[]")
	} else {
		_, err = q.ExecContext(ctx, `UPDATE catalog_version SET changed = changed + $1
			WHERE seq = (SELECT MAX(seq) FROM catalog_version WHERE digest = $2 AND NOT refused)`, len(f.Changed), f.Digest)
	}
	if err != nil {
		return err
	}
	at := e.At.UnixMicro()
	for _, c := range f.Changed {
		body, err := json.Marshal(c)
		if err != nil {
			return err
		}
		if _, err := q.ExecContext(ctx, "UPDATE catalog_entity SET to_us = $1 WHERE ref = $2 AND to_us = $3", at, c.Ref, int64(forever)); err != nil {
			return err
		}
		tier := -1
		if c.Tier != nil {
			tier = *c.Tier
		}
		_, err = q.ExecContext(ctx, `INSERT INTO catalog_entity (ref, seq, from_us, to_us, removed, was, kind, name, owner, tier, digest, shape, body)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
			c.Ref, e.Seq, at, int64(forever), c.Removed, c.Was, c.Kind, c.Name, c.Owner, tier, c.Digest, c.Shape, string(body))
		if err != nil {
			return fmt.Errorf("entity %s: %w", c.Ref, err)
		}
	}
	return nil
}

// short is a digest as people see it: its first 12 digits.
func short(digest string) string {
	const prefix = "sha256:"
	if len(digest) >= len(prefix)+12 && digest[:len(prefix)] == prefix {
		return digest[len(prefix) : len(prefix)+12]
	}
	return digest
}

func micros(us int64) time.Time {
	if us == forever {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
