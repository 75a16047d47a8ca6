package org

import "evenkeel.dev/evenkeel/internal/kit"

// Rules lists everything lint looks for. Those without a Check are found while reading.
var Rules = []Rule{
	{ID: "yaml", Title: "The text is not YAML", Severity: kit.SeverityError, Help: "A document that cannot be read says nothing. The place is where the reader gave up; the slip is there or just above."},
	{ID: "schema", Title: "A key or value is not what the format allows", Severity: kit.SeverityError, Help: "A setting that is not understood would silently be another one. docs/org-directory.md lists all keys."},
	{ID: "settings", Title: "Settings contradict each other", Severity: kit.SeverityError, Help: "Each key by itself is fine; together they cannot hold."},
	{ID: "own-keys", Title: "A label or annotation of evenkeel.dev is not as it should be", Severity: kit.SeverityError, Help: "Values decide who is woken and what counts as hurt. Unknown names are a warning."},
	{ID: "reference-form", Title: "A reference has no readable form", Severity: kit.SeverityWarning, Help: "References are [kind:][namespace/]name."},
	{ID: "entity-name", Title: "A name breaks Backstage's rules", Severity: kit.SeverityWarning, Help: "Evenkeel takes it; Backstage would not."},
	{ID: "duplicate-claim", Title: "Two documents define one thing", Severity: kit.SeverityError, Help: "Nobody could say which of two files counts. Within one file the first counts, and it is a warning."},
	{ID: "unreachable-file", Title: "A file cannot be read", Severity: kit.SeverityError, Help: "Reading on without it would take its services away."},
	{ID: "broken-link", Title: "A link leads nowhere", Severity: kit.SeverityError, Help: "Its content was meant to be here."},
	{ID: "leaving-link", Title: "A link leaves the directory", Severity: kit.SeverityError, Help: "What lies outside is not under the directory's review, and could be any file of the server."},
	{ID: "folder-link", Title: "A link leads to a folder", Severity: kit.SeverityWarning, Help: "Links to folders are not followed, so that none is read twice or for ever."},
	{ID: "too-deep", Title: "Folders lie too deep", Severity: kit.SeverityError, Help: "Bounds keep a wrong path from reading a whole disk."},
	{ID: "too-large", Title: "The directory is too large", Severity: kit.SeverityError, Help: "Bounds keep a wrong path from reading a whole disk."},
	{ID: "not-read", Title: "A document is not read", Severity: kit.SeverityNote, Help: "It is of a kind that other programs read, or empty."},
	{ID: "empty-directory", Title: "Nothing is described", Severity: kit.SeverityWarning, Help: "Perhaps the path is wrong."},
	ownerless,
	missingField,
	danglingReference,
	locationTarget,
	dependencyCycle,
	tierInversion,
	nameClaim,
	wasStays,
	objectiveService,
	objectiveSource,
	probeService,
	ceiling,
}
