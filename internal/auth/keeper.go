package auth

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

const schema = `
CREATE TABLE IF NOT EXISTS auth_token (
	id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, teams TEXT NOT NULL, scopes TEXT NOT NULL,
	hash BYTEA NOT NULL, by_whom TEXT NOT NULL, created_us BIGINT NOT NULL, expires_us BIGINT NOT NULL,
	revoked_us BIGINT NOT NULL, used_us BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS auth_session (
	hash BYTEA PRIMARY KEY, token_id TEXT NOT NULL, created_us BIGINT NOT NULL, expires_us BIGINT NOT NULL);
`

const (
	// SessionLength is how long a browser stays signed in.
	SessionLength = 12 * time.Hour
	// MaxTokenLength is the longest life of a token.
	MaxTokenLength = 366 * 24 * time.Hour
)

// Token is an API token as it may be shown: without its secret.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	Teams   []string  `json:"teams,omitempty"`
	Scopes  []Right   `json:"scopes,omitempty"`
	By      string    `json:"by"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	Revoked time.Time `json:"revoked,omitzero"`
	Used    time.Time `json:"used,omitzero"` // to the minute
}

// State is active, expired or revoked at now.
func (t Token) State(now time.Time) string {
	switch {
	case !t.Revoked.IsZero():
		return "revoked"
	case !now.Before(t.Expires):
		return "expired"
	}
	return "active"
}

// Keeper holds tokens and sessions beside the ledger; each change is a fact in the same transaction.
type Keeper struct {
	d *db.DB
	l *ledger.Ledger

	mu   sync.Mutex
	used map[string]time.Time // last use written, by token id
}

// Open makes the tables where they are missing.
func Open(ctx context.Context, l *ledger.Ledger) (*Keeper, error) {
	k := &Keeper{d: l.DB(), l: l, used: map[string]time.Time{}}
	err := k.d.Write(ctx, func(ctx context.Context, q db.Q) error {
		for stmt := range strings.SplitSeq(schema, ";") {
			if strings.TrimSpace(stmt) == "" {
				continue
			}
			if _, err := q.ExecContext(ctx, stmt); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("open tokens: %w", err)
	}
	return k, nil
}

// Issue makes a token for as long as life and returns its secret, which is shown once and not kept.
func (k *Keeper) Issue(ctx context.Context, t Token, life time.Duration, by Caller, now time.Time) (secret string, out Token, err error) {
	if err := checkNew(t, life); err != nil {
		return "", Token{}, err
	}
	raw := newSecret()
	t.ID, t.By, t.Created, t.Expires = newTokenID(), by.By(), now.UTC(), now.Add(life).UTC()
	fact := &event.AccessGranted{What: "token", ID: t.ID, To: t.Name, Role: string(t.Role), Scope: texts(t.Scopes), Expires: t.Expires}
	_, err = k.l.Append(ctx, ledger.Batch{
		Lane:   ledger.Commands,
		Events: []event.Event{{Kind: fact.Kind(), At: now, By: by.By(), About: event.NewRef("token", t.ID), Key: "token/" + t.ID + "/granted", Fact: fact}},
		With: func(ctx context.Context, q db.Q) error {
			_, err := q.ExecContext(ctx, `INSERT INTO auth_token VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,0,0)`,
				t.ID, t.Name, string(t.Role), encode(t.Teams), encode(t.Scopes), hash(raw), t.By, t.Created.UnixMicro(), t.Expires.UnixMicro())
			return err
		},
	})
	if err != nil {
		return "", Token{}, fmt.Errorf("issue token: %w", err)
	}
	return prefix + t.ID + "_" + raw, t, nil
}

func checkNew(t Token, life time.Duration) error {
	e := &kit.Error{Code: kit.Invalid, Msg: "the token cannot be issued"}
	if n := len(t.Name); n == 0 || n > 80 || strings.ContainsAny(t.Name, "\n\r\t") {
		e.Fields = append(e.Fields, kit.Field{Path: "/name", Msg: "say in 1 to 80 characters who or what will use it"})
	}
	if _, err := ParseRole(string(t.Role)); err != nil {
		e.Fields = append(e.Fields, kit.Field{Path: "/role", Msg: "use viewer, responder, owner, operator, auditor or admin"})
	}
	if life <= 0 || life > MaxTokenLength {
		e.Fields = append(e.Fields, kit.Field{Path: "/expires", Msg: "a token lives at least a moment and at most 366 days"})
	}
	if t.Role == Owner && len(t.Teams) == 0 {
		e.Fields = append(e.Fields, kit.Field{Path: "/teams", Msg: "an owner needs at least one team, such as group:default/payments"})
	}
	for _, s := range t.Scopes {
		if meaning(s) == string(s) {
			e.Fields = append(e.Fields, kit.Field{Path: "/scopes", Msg: "right " + string(s) + " does not exist"})
		}
	}
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}

// Revoke ends a token and its sessions at once.
func (k *Keeper) Revoke(ctx context.Context, id string, by Caller, now time.Time) error {
	if _, err := k.token(ctx, id); err != nil {
		return err
	}
	fact := &event.AccessRevoked{What: "token", ID: id}
	_, err := k.l.Append(ctx, ledger.Batch{
		Lane:   ledger.Commands,
		Events: []event.Event{{Kind: fact.Kind(), At: now, By: by.By(), About: event.NewRef("token", id), Key: "token/" + id + "/revoked", Fact: fact}},
		With: func(ctx context.Context, q db.Q) error {
			if _, err := q.ExecContext(ctx, `UPDATE auth_token SET revoked_us = $2 WHERE id = $1 AND revoked_us = 0`, id, now.UnixMicro()); err != nil {
				return err
			}
			_, err := q.ExecContext(ctx, `DELETE FROM auth_session WHERE token_id = $1`, id)
			return err
		},
	})
	if err != nil {
		return fmt.Errorf("revoke token %s: %w", id, err)
	}
	return nil
}

const columns = `id, name, role, teams, scopes, hash, by_whom, created_us, expires_us, revoked_us, used_us`

// List returns all tokens, newest first; at most 1,000.
func (k *Keeper) List(ctx context.Context) ([]Token, error) {
	rows, err := k.d.Read().QueryContext(ctx, `SELECT `+columns+` FROM auth_token ORDER BY created_us DESC, id LIMIT 1000`)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	defer rows.Close()
	var out []Token
	for rows.Next() {
		t, _, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("list tokens: %w", err)
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

// Any says whether a token that still works exists at now.
func (k *Keeper) Any(ctx context.Context, now time.Time) (bool, error) {
	var n int
	err := k.d.Read().QueryRowContext(ctx, `SELECT COUNT(*) FROM auth_token WHERE revoked_us = 0 AND expires_us > $1`, now.UnixMicro()).Scan(&n)
	return n > 0, err
}

var errToken = &kit.Error{Code: kit.Denied, Msg: "the token does not work", Hint: "it may be mistyped, expired or revoked; ask an admin for a new one"}

// ByToken finds whom a token speaks for.
func (k *Keeper) ByToken(ctx context.Context, token string, now time.Time) (Caller, error) {
	id, secret, ok := split(token)
	if !ok {
		return Caller{}, errToken
	}
	t, stored, err := k.row(ctx, id)
	if err != nil || !matches(secret, stored) || t.State(now) != "active" {
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return Caller{}, fmt.Errorf("look up token: %w", err)
		}
		return Caller{}, errToken
	}
	k.touch(ctx, id, now)
	return t.caller("token"), nil
}

func (t Token) caller(via string) Caller {
	return Caller{Name: t.Name, Role: t.Role, Teams: t.Teams, Scopes: t.Scopes, Via: via}
}

// SignIn opens a browser session for whom a token speaks and returns the cookie's value.
func (k *Keeper) SignIn(ctx context.Context, token string, now time.Time) (cookie string, expires time.Time, c Caller, err error) {
	c, err = k.ByToken(ctx, token, now)
	if err != nil {
		return "", time.Time{}, Caller{}, err
	}
	id, _, _ := split(token)
	secret, expires := newSecret(), now.Add(SessionLength)
	err = k.d.Write(ctx, func(ctx context.Context, q db.Q) error {
		if _, err := q.ExecContext(ctx, `DELETE FROM auth_session WHERE expires_us < $1`, now.UnixMicro()); err != nil {
			return err
		}
		_, err := q.ExecContext(ctx, `INSERT INTO auth_session VALUES ($1,$2,$3,$4)`, hash(secret), id, now.UnixMicro(), expires.UnixMicro())
		return err
	})
	if err != nil {
		return "", time.Time{}, Caller{}, fmt.Errorf("open session: %w", err)
	}
	return secret, expires, c, nil
}

// SignOut ends a session; an unknown one is no error.
func (k *Keeper) SignOut(ctx context.Context, cookie string) error {
	return k.d.Write(ctx, func(ctx context.Context, q db.Q) error {
		_, err := q.ExecContext(ctx, `DELETE FROM auth_session WHERE hash = $1`, hash(cookie))
		return err
	})
}

// BySession finds whom a browser session speaks for; its token must still work.
func (k *Keeper) BySession(ctx context.Context, cookie string, now time.Time) (Caller, error) {
	var id string
	var expires int64
	err := k.d.Read().QueryRowContext(ctx, `SELECT token_id, expires_us FROM auth_session WHERE hash = $1`, hash(cookie)).Scan(&id, &expires)
	if errors.Is(err, sql.ErrNoRows) || err == nil && expires <= now.UnixMicro() {
		return Caller{}, &kit.Error{Code: kit.Denied, Msg: "the session has ended", Hint: "sign in again"}
	}
	if err != nil {
		return Caller{}, fmt.Errorf("look up session: %w", err)
	}
	t, _, err := k.row(ctx, id)
	if err != nil || t.State(now) != "active" {
		return Caller{}, errToken
	}
	return t.caller("session"), nil
}

func (k *Keeper) token(ctx context.Context, id string) (Token, error) {
	t, _, err := k.row(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return Token{}, kit.Errorf(kit.NotFound, "token %s does not exist", id)
	}
	return t, err
}

func (k *Keeper) row(ctx context.Context, id string) (Token, []byte, error) {
	return scan(k.d.Read().QueryRowContext(ctx, `SELECT `+columns+` FROM auth_token WHERE id = $1`, id))
}

func scan(row interface{ Scan(...any) error }) (Token, []byte, error) {
	var t Token
	var stored []byte
	var teams, scopes string
	var created, expires, revoked, used int64
	err := row.Scan(&t.ID, &t.Name, &t.Role, &teams, &scopes, &stored, &t.By, &created, &expires, &revoked, &used)
	if err != nil {
		return Token{}, nil, err
	}
	t.Created, t.Expires, t.Revoked, t.Used = at(created), at(expires), at(revoked), at(used)
	if err := errors.Join(json.Unmarshal([]byte(teams), &t.Teams), json.Unmarshal([]byte(scopes), &t.Scopes)); err != nil {
		return Token{}, nil, fmt.Errorf("read token %s: %w", t.ID, err)
	}
	return t, stored, nil
}

// touch notes the use of a token, at most once a minute; losing one is no harm.
func (k *Keeper) touch(ctx context.Context, id string, now time.Time) {
	k.mu.Lock()
	due := now.Sub(k.used[id]) >= time.Minute
	if due {
		k.used[id] = now
	}
	k.mu.Unlock()
	if due {
		_ = k.d.Write(ctx, func(ctx context.Context, q db.Q) error {
			_, err := q.ExecContext(ctx, `UPDATE auth_token SET used_us = $2 WHERE id = $1`, id, now.Truncate(time.Minute).UnixMicro())
			return err
		})
	}
}

// Refused records an attempt that was not allowed. A flood of them is thinned by its key: one a caller, right and minute.
func (k *Keeper) Refused(ctx context.Context, c Caller, right Right, on, why string, now time.Time) error {
	fact := &event.AccessRefused{Who: c.Name, Right: string(right), On: on, Why: why}
	key := fmt.Sprintf("refused/%s/%s/%s/%d", c.Name, right, on, now.Unix()/60)
	return k.record(ctx, c, event.NewRef("user", c.Name), key, fact, now)
}

// ReadBy records that evidence was read or exported.
func (k *Keeper) ReadBy(ctx context.Context, c Caller, what string, now time.Time) error {
	return k.record(ctx, c, event.NewRef("user", c.Name), "", &event.AccessRead{Who: c.Name, What: what}, now)
}

func (k *Keeper) record(ctx context.Context, c Caller, about event.Ref, key string, f event.Fact, now time.Time) error {
	_, err := k.l.Append(ctx, ledger.Batch{Lane: ledger.Commands, Events: []event.Event{{Kind: f.Kind(), At: now, By: c.By(), About: about, Key: key, Fact: f}}})
	return err
}

func at(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func encode[T any](v []T) string {
	if v == nil {
		v = []T{}
	}
	b, _ := json.Marshal(v) // strings always encode
	return string(b)
}

func texts(rights []Right) []string {
	var out []string
	for _, r := range rights {
		out = append(out, string(r))
	}
	return out
}
