package count

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Cursor reads rows of one subject slot by slot, for the far edges of running windows: reading the slots of one edge in
// rising order costs one row decoded each, and one query in about three hundred. It holds the bytes of one chunk an edge
// and is not safe for concurrent use; amended rows are seen by the next read.
type Cursor struct {
	store *Store
	id    ID
	edges []edge
	used  uint32
}

// maxEdges is how many places a cursor remembers.
const maxEdges = 12

// edge is one place: the chunk it lies in, decoded up to next.
type edge struct {
	first int64 // of the chunk
	next  int64 // slot of the next read that this edge serves
	row   Row   // the row decoded last; it begins after what was read where ahead is set
	ahead bool
	body  []byte // shared between the edges in one chunk
	it    iter
	gen   uint32
	used  uint32
}

// Cursor opens a cursor on a subject.
func (s *Store) Cursor(id ID) *Cursor { return &Cursor{store: s, id: id} }

// At is the row that covers a slot; ok is false where there is none.
func (c *Cursor) At(ctx context.Context, slot int64) (row Row, ok bool, err error) {
	row, ok, gen := c.store.recent(c.id, slot)
	if ok {
		return row, true, nil
	}
	c.used++
	first := floorTo(slot, chunkSlots)
	if e := c.edge(first, slot, gen); e != nil {
		e.used = c.used
		if row, ok, err = e.seek(slot); err != nil || ok {
			return row, ok, c.damaged(first, err)
		}
	}
	if body := c.shared(first, gen); body != nil {
		if row, ok, err = c.enter(body, first, slot, gen); err != nil || ok {
			return row, ok, c.damaged(first, err)
		}
	}
	body, err := c.read(ctx, first) // the first time here, or the rows came to the chunk after it was read
	if err != nil {
		return Row{}, false, err
	}
	row, ok, err = c.enter(body, first, slot, gen)
	return row, ok, c.damaged(first, err)
}

func (c *Cursor) damaged(first int64, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read counts of subject %d from slot %d: %w", c.id, first, err)
}

// edge is the remembered place that reaches slot by going forward.
func (c *Cursor) edge(first, slot int64, gen uint32) *edge {
	for i := range c.edges {
		if e := &c.edges[i]; e.first == first && e.next == slot && e.gen == gen {
			return e
		}
	}
	return nil
}

// enter remembers a new place, a slot in a chunk, and reads the row there.
func (c *Cursor) enter(body []byte, first, slot int64, gen uint32) (row Row, ok bool, err error) {
	e := edge{first: first, gen: gen, body: body, used: c.used}
	if body != nil {
		if e.it, err = decode(first, body); err != nil {
			return Row{}, false, err
		}
	}
	at := 0
	for i := range c.edges {
		if c.edges[i].next == minSlot {
			at = i
			break
		}
		if c.edges[i].used < c.edges[at].used {
			at = i
		}
	}
	if len(c.edges) < maxEdges && (len(c.edges) == 0 || c.edges[at].next != minSlot) {
		at = len(c.edges)
		c.edges = append(c.edges, e)
	}
	c.edges[at] = e
	return c.edges[at].seek(slot)
}

// shared is the bytes of a chunk as another edge holds them, nil where none does. Rows may have come to it since.
func (c *Cursor) shared(first int64, gen uint32) []byte {
	for i := range c.edges {
		if e := &c.edges[i]; e.first == first && e.gen == gen && e.next != minSlot && e.body != nil {
			return e.body
		}
	}
	return nil
}

// read is the bytes of a chunk as it is stored, nil where there is none.
func (c *Cursor) read(ctx context.Context, first int64) ([]byte, error) {
	var body []byte
	err := c.store.db.Read().QueryRowContext(ctx, `SELECT body FROM count_chunk WHERE subject = $1 AND first = $2`, int64(c.id), first).Scan(&body)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("read counts of subject %d: %w", c.id, err)
	}
	return body, nil
}

func (e *edge) seek(slot int64) (Row, bool, error) {
	e.next = slot + 1
	for !e.ahead || e.row.End() <= slot {
		r, ok, err := e.it.next()
		if err != nil || !ok {
			e.next = minSlot // rows that are folded later stand in a newer chunk
			return Row{}, false, err
		}
		e.row, e.ahead = r, true
	}
	return e.row, e.row.Slot <= slot, nil
}
