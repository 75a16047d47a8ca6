package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
)

// tileHeight is that of C2SP tlog-tiles: a tile holds up to 256 hashes of one level.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// tree is the growing edge of the Merkle tree (RFC 6962, as golang.org/x/mod/sumdb/tlog): one hash for each bit of its
// size, and the unfinished tile of every eighth level. Its size in memory does not depend on the number of facts.
type tree struct {
	n     int64
	peaks []tlog.Hash // roots of the complete subtrees, largest first
	tiles []*tile     // the unfinished tile of level 0, 8, 16, ...
	full  []*tile     // tiles completed since the last save
}

// tile is a run of hashes of one level.
type tile struct {
	level  int   // 0, 1, 2, ... for tree levels 0, 8, 16, ...
	n      int64 // its place in the level
	hashes []byte
	dirty  bool
}

func newTree() *tree { return &tree{} }

// grow returns the tree with more leaves; t stays as it is.
func (t *tree) grow(leaves []tlog.Hash) *tree {
	g := &tree{n: t.n, peaks: append(make([]tlog.Hash, 0, len(t.peaks)+2), t.peaks...)}
	for _, old := range t.tiles {
		c := *old
		c.dirty = false
		c.hashes = append(make([]byte, 0, tileWidth*tlog.HashSize), old.hashes...)
		g.tiles = append(g.tiles, &c)
	}
	for _, h := range leaves {
		g.add(h)
	}
	return g
}

func (t *tree) add(h tlog.Hash) {
	t.store(0, h)
	for level := 0; t.n>>level&1 == 1; {
		last := len(t.peaks) - 1
		h = tlog.NodeHash(t.peaks[last], h)
		t.peaks = t.peaks[:last]
		level++
		if level%tileHeight == 0 {
			t.store(level/tileHeight, h)
		}
	}
	t.peaks = append(t.peaks, h)
	t.n++
}

func (t *tree) store(level int, h tlog.Hash) {
	if level == len(t.tiles) {
		t.tiles = append(t.tiles, &tile{level: level})
	}
	at := t.tiles[level]
	at.hashes = append(at.hashes, h[:]...)
	at.dirty = true
	if len(at.hashes) == tileWidth*tlog.HashSize {
		t.full = append(t.full, at)
		t.tiles[level] = &tile{level: level, n: at.n + 1}
	}
}

// root is the hash of the whole tree; that of an empty tree is SHA-256 of nothing (RFC 6962, 2.1).
func (t *tree) root() tlog.Hash {
	if t.n == 0 {
		h, _ := tlog.TreeHash(0, nil)
		return h
	}
	h := t.peaks[len(t.peaks)-1]
	for i := len(t.peaks) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.peaks[i], h)
	}
	return h
}

// save writes the tiles that changed.
func (t *tree) save(ctx context.Context, q db.Q) error {
	write := func(x *tile) error {
		_, err := q.ExecContext(ctx, `INSERT INTO ledger_tile (level, n, hashes) VALUES ($1, $2, $3)
			ON CONFLICT (level, n) DO UPDATE SET hashes = excluded.hashes`, x.level, x.n, x.hashes)
		if err != nil {
			return fmt.Errorf("write tile %d/%d: %w", x.level, x.n, err)
		}
		return nil
	}
	for _, x := range t.full {
		if err := write(x); err != nil {
			return err
		}
	}
	for _, x := range t.tiles {
		if x.dirty {
			if err := write(x); err != nil {
				return err
			}
		}
	}
	return nil
}

// loadTree reads the edge of a tree of n leaves: one tile a level.
func loadTree(ctx context.Context, q db.Q, n int64) (*tree, error) {
	t := &tree{n: n}
	for level := 0; n>>(level*tileHeight) > 0; level++ {
		count := n >> (level * tileHeight)
		x := &tile{level: level, n: count >> tileHeight}
		if width := int(count & (tileWidth - 1)); width > 0 {
			data, err := readTile(ctx, q, level, x.n, width)
			if err != nil {
				return nil, err
			}
			x.hashes = data
		}
		t.tiles = append(t.tiles, x)
	}
	// The peaks of a level's unfinished tile are the roots of its aligned runs, from the topmost level down.
	for level := len(t.tiles) - 1; level >= 0; level-- {
		x := t.tiles[level]
		width := len(x.hashes) / tlog.HashSize
		for from, bit := 0, tileWidth/2; bit > 0; bit /= 2 {
			if width&bit != 0 {
				t.peaks = append(t.peaks, runRoot(x.hashes[from*tlog.HashSize:(from+bit)*tlog.HashSize]))
				from += bit
			}
		}
	}
	return t, nil
}

// runRoot is the root over a run of hashes, whose count is a power of two.
func runRoot(run []byte) tlog.Hash {
	if len(run) == tlog.HashSize {
		return tlog.Hash(run)
	}
	return tlog.NodeHash(runRoot(run[:len(run)/2]), runRoot(run[len(run)/2:]))
}

// storedTile reads a tile as it is stored; nothing for one that is not there.
func storedTile(ctx context.Context, q db.Q, level int, n int64) ([]byte, error) {
	var data []byte
	err := q.QueryRowContext(ctx, "SELECT hashes FROM ledger_tile WHERE level = $1 AND n = $2", level, n).Scan(&data)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("read tile %d/%d: %w", level, n, err)
	}
	return data, nil
}

// readTile reads the first width hashes of a tile.
func readTile(ctx context.Context, q db.Q, level int, n int64, width int) ([]byte, error) {
	data, err := storedTile(ctx, q, level, n)
	if err != nil {
		return nil, err
	}
	if len(data) < width*tlog.HashSize {
		return nil, &kit.Error{Code: kit.Internal, Msg: fmt.Sprintf("tile %d/%d of the Merkle tree holds %d hashes of %d", level, n, len(data)/tlog.HashSize, width),
			Hint: "the database was changed from outside: run ledger verify, which names what, and restore from a backup"}
	}
	return data[:width*tlog.HashSize], nil
}

// tiles reads the hashes of a tree of size n for proofs; a tile is read once.
type tiles struct {
	ctx  context.Context
	q    db.Q
	n    int64
	read map[[2]int64][]byte
}

func newTiles(ctx context.Context, q db.Q, n int64) *tiles {
	return &tiles{ctx: ctx, q: q, n: n, read: map[[2]int64][]byte{}}
}

// ReadHashes makes tiles a tlog.HashReader.
func (r *tiles) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		t := tlog.TileForIndex(tileHeight, index)
		t.W = int(min(tileWidth, r.n>>(t.L*tileHeight)-t.N<<tileHeight))
		id := [2]int64{int64(t.L), t.N}
		data, ok := r.read[id]
		if !ok {
			var err error
			if data, err = readTile(r.ctx, r.q, t.L, t.N, t.W); err != nil {
				return nil, err
			}
			r.read[id] = data
		}
		h, err := tlog.HashFromTile(t, data, index)
		if err != nil {
			return nil, fmt.Errorf("read tile %d/%d: %w", t.L, t.N, err)
		}
		out[i] = h
	}
	return out, nil
}
