package count

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"sync"

	"evenkeel.dev/evenkeel/internal/store/db"
)

const schema = `
CREATE TABLE IF NOT EXISTS count_subject (
	id BIGINT PRIMARY KEY, slo TEXT NOT NULL, version BIGINT NOT NULL, part TEXT NOT NULL, grp TEXT NOT NULL,
	UNIQUE (slo, version, part, grp));
CREATE TABLE IF NOT EXISTS count_round (seq BIGINT PRIMARY KEY, body BYTEA NOT NULL);
CREATE TABLE IF NOT EXISTS count_chunk (
	subject BIGINT NOT NULL, first BIGINT NOT NULL, until BIGINT NOT NULL,
	bad DOUBLE PRECISION NOT NULL, total DOUBLE PRECISION NOT NULL, valid_s BIGINT NOT NULL,
	slots BIGINT NOT NULL, body BYTEA NOT NULL,
	PRIMARY KEY (subject, first));
CREATE TABLE IF NOT EXISTS count_mark (name TEXT PRIMARY KEY, body BYTEA NOT NULL)`

// Store keeps counts in a database. One process writes (the evaluator that holds the lease); any number read. Its methods
// are safe for concurrent use.
type Store struct {
	db *db.DB

	mu       sync.RWMutex
	subjects map[Key]ID
	lastID   ID
	seq      int64         // of the newest round known here
	folded   int64         // rounds up to it lie in chunks
	tail     map[ID][]Row  // rows of the rounds after folded, sorted by slot
	ends     map[ID]int64  // the newest slot put so far
	amended  map[ID]bool   // whose tail holds rows that were there before
	gens     map[ID]uint32 // raised when a row changed that a cursor may have read, and when its change reached a chunk
}

// Open makes the tables where they are missing and reads the rounds that no chunk holds yet.
func Open(ctx context.Context, d *db.DB) (*Store, error) {
	s := &Store{db: d, subjects: map[Key]ID{}, tail: map[ID][]Row{}, ends: map[ID]int64{}, amended: map[ID]bool{}, gens: map[ID]uint32{}}
	err := d.Write(ctx, func(ctx context.Context, q db.Q) error {
		_, err := q.ExecContext(ctx, schema)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open counts: %w", err)
	}
	return s, s.Refresh(ctx)
}

// Refresh takes in what another process wrote since: a reader beside the evaluator calls it before it answers.
func (s *Store) Refresh(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.readSubjects(ctx); err != nil {
		return fmt.Errorf("read subjects of counts: %w", err)
	}
	var low sql.NullInt64
	if err := s.db.Read().QueryRowContext(ctx, `SELECT MIN(seq) FROM count_round`).Scan(&low); err != nil {
		return fmt.Errorf("read rounds of counts: %w", err)
	}
	from := s.seq
	if low.Valid {
		from = low.Int64 - 1
	}
	if from > s.folded { // folded by another process: what the tail held of it lies in chunks now
		for id := range s.tail {
			s.gens[id]++
		}
		clear(s.tail)
		s.folded, s.seq = from, from
	}
	rows, err := s.db.Read().QueryContext(ctx, `SELECT seq, body FROM count_round WHERE seq > $1 ORDER BY seq`, s.seq)
	if err != nil {
		return fmt.Errorf("read rounds of counts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		var body []byte
		if err := rows.Scan(&seq, &body); err != nil {
			return fmt.Errorf("read round of counts: %w", err)
		}
		entries, err := unpackRound(body)
		if err != nil {
			return fmt.Errorf("read round %d of counts: %w", seq, err)
		}
		s.take(seq, entries)
	}
	return rows.Err()
}

func (s *Store) take(seq int64, entries []Entry) {
	for _, e := range entries {
		if end, seen := s.ends[e.ID]; seen && e.Slot <= end {
			s.gens[e.ID]++
			s.amended[e.ID] = true
		} else {
			s.ends[e.ID] = e.Slot
		}
		s.tail[e.ID] = put(s.tail[e.ID], e.Row)
	}
	s.seq = seq
}

func (s *Store) readSubjects(ctx context.Context) error {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT id, slo, version, part, grp FROM count_subject WHERE id > $1`, int64(s.lastID))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id ID
		var k Key
		if err := rows.Scan((*int64)(&id), &k.SLO, &k.Version, &k.Part, &k.Group); err != nil {
			return err
		}
		s.subjects[k] = id
		s.lastID = max(s.lastID, id)
	}
	return rows.Err()
}

// Subjects numbers keys, making new subjects for those never seen; the result is in the order of keys.
func (s *Store) Subjects(ctx context.Context, keys []Key) ([]ID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var fresh []Key
	made := map[Key]ID{}
	for _, k := range keys {
		if s.subjects[k] == 0 && made[k] == 0 {
			fresh = append(fresh, k)
			made[k] = s.lastID + ID(len(fresh))
		}
	}
	if len(fresh) > 0 {
		err := s.db.Write(ctx, func(ctx context.Context, q db.Q) error {
			for _, k := range fresh {
				if _, err := q.ExecContext(ctx, `INSERT INTO count_subject (id, slo, version, part, grp) VALUES ($1, $2, $3, $4, $5)`,
					int64(made[k]), k.SLO, k.Version, k.Part, k.Group); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("add subjects of counts: %w", err)
		}
		maps.Copy(s.subjects, made)
		s.lastID += ID(len(fresh))
	}
	out := make([]ID, len(keys))
	for i, k := range keys {
		out[i] = s.subjects[k]
	}
	return out, nil
}

// Groups lists the subjects of one objective's indicator version, in no order.
func (s *Store) Groups(slo string, version int) map[Key]ID {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := map[Key]ID{}
	for k, id := range s.subjects {
		if k.SLO == slo && k.Version == version {
			out[k] = id
		}
	}
	return out
}

// Put stores one round: rows of single slots, new or amended; a later row of the same slot replaces an earlier one; and
// marks, small notes of the evaluator's own by name (where it stands), in the same transaction. It returns when they are
// durable.
func (s *Store) Put(ctx context.Context, entries []Entry, marks map[string][]byte) error {
	if len(entries) == 0 && len(marks) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seq := s.seq + 1
	body := packRound(entries)
	err := s.db.Write(ctx, func(ctx context.Context, q db.Q) error {
		for name, note := range marks {
			if _, err := q.ExecContext(ctx, `INSERT INTO count_mark (name, body) VALUES ($1, $2)
				ON CONFLICT (name) DO UPDATE SET body = excluded.body`, name, note); err != nil {
				return err
			}
		}
		if len(entries) == 0 {
			return nil
		}
		_, err := q.ExecContext(ctx, `INSERT INTO count_round (seq, body) VALUES ($1, $2)`, seq, body)
		return err
	})
	if err != nil {
		return fmt.Errorf("store round of counts: %w", err)
	}
	if len(entries) > 0 {
		s.take(seq, entries)
	}
	return nil
}

// Marks reads all notes.
func (s *Store) Marks(ctx context.Context) (map[string][]byte, error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT name, body FROM count_mark`)
	if err != nil {
		return nil, fmt.Errorf("read marks of counts: %w", err)
	}
	defer rows.Close()
	out := map[string][]byte{}
	for rows.Next() {
		var name string
		var body []byte
		if err := rows.Scan(&name, &body); err != nil {
			return nil, fmt.Errorf("read marks of counts: %w", err)
		}
		out[name] = body
	}
	return out, rows.Err()
}
