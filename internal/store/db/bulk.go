package db

import (
	"context"
	"fmt"
)

// Statements of a bulk insert take rows in these numbers, so that few texts are prepared and kept.
var bulkRows = [...]int{64, 8, 1}

// Bulk inserts many rows in few statements. columns is "a, b, c"; args holds the rows one after another, width values each.
// When it fails some of the rows may be there: the caller gives up the transaction or the savepoint around it.
func (d *DB) Bulk(ctx context.Context, q Q, table, columns string, width int, args []any) error {
	for len(args) > 0 {
		for _, n := range bulkRows {
			if n*width > len(args) {
				continue
			}
			if _, err := q.ExecContext(ctx, d.bulkText(bulk{table, columns, n, width}), args[:n*width]...); err != nil {
				return fmt.Errorf("insert into %s: %w", table, err)
			}
			args = args[n*width:]
			break
		}
	}
	return nil
}

// bulk names one text.
type bulk struct {
	table, columns string
	rows, width    int
}

func (d *DB) bulkText(b bulk) string {
	if t, ok := d.bulks.Load(b); ok {
		return t.(string)
	}
	t := d.eng.insertInto() + " " + b.table + " (" + b.columns + ") VALUES " + Rows(b.rows, b.width)
	d.bulks.Store(b, t)
	return t
}
