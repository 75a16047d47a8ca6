package count

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func anyRows(t *rapid.T, base int64) []Row {
	n := rapid.IntRange(0, 350).Draw(t, "rows")
	fractional := rapid.Bool().Draw(t, "fractional")
	slot := base
	var rows []Row
	for range n {
		slot += rapid.SampledFrom([]int64{0, 0, 0, 0, 1, 17}).Draw(t, "skip")
		r := Row{Slot: slot, Len: rapid.SampledFrom([]int{1, 1, 1, Coarse}).Draw(t, "len")}
		r.Bad = float64(rapid.IntRange(-3, 1000).Draw(t, "bad"))
		r.Total = float64(rapid.SampledFrom([]int{0, 600, 601, 1 << 40}).Draw(t, "total"))
		if fractional {
			r.Bad += rapid.Float64Range(0, 1).Draw(t, "fraction")
		}
		r.ValidS = rapid.SampledFrom([]int{0, 60 * r.Len}).Draw(t, "valid")
		r.Sampled = rapid.Bool().Draw(t, "sampled")
		r.Settled = r.Len > 1
		rows = append(rows, r)
		slot = r.End()
	}
	return rows
}

func TestAChunkReadsBackAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := anyRows(t, 29_000_000)
		got, err := unpack(29_000_000, encode(29_000_000, rows))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(rows, got); len(rows) > 0 && d != "" {
			t.Fatal(d)
		}
	})
}

func TestARoundReadsBackAsItWasWritten(t *testing.T) {
	in := []Entry{
		{2, Row{Slot: 30, Len: 1, Bad: -1, Total: 600, ValidS: 60, Sampled: true}},
		{2, Row{Slot: 10, Len: 1, Bad: 0.25, Total: 1e300, ValidS: 0}},
		{900, Row{Slot: 31, Len: 15, Bad: math.MaxInt32, Total: math.Copysign(0, -1), ValidS: 900, Settled: true}},
	}
	got, err := unpackRound(packRound(in))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(in, got); d != "" {
		t.Fatal(d)
	}
}

func FuzzChunksNeverPanic(f *testing.F) {
	f.Add(encode(0, []Row{{Slot: 3, Len: 1, Total: 5, ValidS: 60, Sampled: true}, {Slot: 4, Len: 1, Bad: .5, Total: 5}}))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = unpack(0, b) })
}

func FuzzRoundsNeverPanic(f *testing.F) {
	f.Add(packRound([]Entry{{7, Row{Slot: 3, Len: 1, Bad: .5, Total: 5, ValidS: 60, Sampled: true}}}))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = unpackRound(b) })
}

func TestOverlayReplacesMinutesAndLeavesCompactedRowsAlone(t *testing.T) {
	base := []Row{{Slot: 0, Len: 15, Total: 15, Settled: true}, {Slot: 15, Len: 1, Total: 1}, {Slot: 17, Len: 1, Total: 1}}
	over := []Row{{Slot: 3, Len: 1, Total: 9}, {Slot: 15, Len: 1, Total: 2}, {Slot: 16, Len: 1, Total: 3}, {Slot: 18, Len: 1, Total: 4}}
	want := []Row{{Slot: 0, Len: 15, Total: 15, Settled: true}, {Slot: 15, Len: 1, Total: 2}, {Slot: 16, Len: 1, Total: 3}, {Slot: 17, Len: 1, Total: 1}, {Slot: 18, Len: 1, Total: 4}}
	if d := cmp.Diff(want, overlay(base, over)); d != "" {
		t.Fatal(d)
	}
}
