// Package estate is the catalog: which services there are, who owns them, how much depends on them, and what one of them
// takes down when it fails. Pure. Entities follow Backstage's descriptor format ("Descriptor Format of Catalog
// Entities", backstage.io/docs/features/software-catalog/descriptor-format).
package estate
