//go:build !linux

package metric

import "errors"

func mountTmpfs(string, string) error { return errors.ErrUnsupported }
func unmount(string) error            { return errors.ErrUnsupported }
