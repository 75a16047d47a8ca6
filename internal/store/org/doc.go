// Package org is the org directory: the files in which people agree on the catalog, objectives and settings. It reads them
// leniently, reports strictly, keeps the last good version in force, and turns each version into facts.
// docs/org-directory.md describes the files.
package org
