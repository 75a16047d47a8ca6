// Package arch holds the order of the layers (layers.txt) and the test that keeps it.
package arch
