//go:build !unix

package db

func freeSpace(string) (int64, bool) { return 0, false }

func noSpace(error) bool { return false }
