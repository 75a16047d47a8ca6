package slo

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// maxReplayLine bounds one case, and with it the memory of a replay.
const maxReplayLine = 64 << 20

// Replay answers test vectors: one case a line in, one line {"id": ..., "answers": [...]} out, in the same order, an
// object a question. A line that cannot be read or answered gives {"id": ..., "error": "..."} and the next one goes on.
// Empty lines are passed over. The error is a reader's or writer's.
func Replay(r io.Reader, w io.Writer) error {
	in := bufio.NewReaderSize(r, 1<<16)
	out := bufio.NewWriter(w)
	for n := 1; ; n++ {
		line, long, err := readLine(in, maxReplayLine)
		switch {
		case long:
			line = nil
			if err := writeAnswer(out, replayAnswer{Error: fmt.Sprintf("line %d is longer than %d MiB", n, maxReplayLine>>20)}); err != nil {
				return err
			}
		case len(bytes.TrimSpace(line)) > 0:
			if err := writeAnswer(out, answerLine(line)); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return out.Flush()
		}
		if err != nil {
			return fmt.Errorf("read line %d: %w", n, err)
		}
	}
}

// readLine reads up to the next newline; of a line over the limit it keeps nothing.
func readLine(in *bufio.Reader, limit int) (line []byte, long bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if !long && len(line)+len(part) > limit {
			line, long = nil, true
		}
		if !long {
			line = append(line, part...)
		}
		if err != bufio.ErrBufferFull {
			return line, long, err
		}
	}
}

// replayAnswer is one line of answers.
type replayAnswer struct {
	ID      string `json:"id"`
	Answers []any  `json:"answers,omitzero"`
	Error   string `json:"error,omitempty"`
}

func writeAnswer(w *bufio.Writer, a replayAnswer) error {
	line, err := json.Marshal(a)
	if err != nil {
		if line, err = json.Marshal(replayAnswer{ID: a.ID, Error: "write answer: " + err.Error()}); err != nil {
			return err
		}
	}
	if _, err := w.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// ReplayLine answers one case.
func ReplayLine(line []byte) []byte {
	var buf bytes.Buffer
	w := bufio.NewWriter(&buf)
	_ = writeAnswer(w, answerLine(line)) // a bytes.Buffer takes everything
	_ = w.Flush()
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

func answerLine(line []byte) replayAnswer {
	var c replayCase
	if err := json.Unmarshal(line, &c); err != nil {
		var id struct {
			ID string `json:"id"`
		}
		_ = json.Unmarshal(line, &id) // the id if there is one; the error that counts is the first
		return replayAnswer{ID: id.ID, Error: "read case: " + err.Error()}
	}
	answers, err := c.answer()
	if err != nil {
		return replayAnswer{ID: c.ID, Error: err.Error()}
	}
	return replayAnswer{ID: c.ID, Answers: answers}
}
