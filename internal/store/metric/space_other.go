//go:build !unix

package metric

import "errors"

// diskSpace is not known here: the watermark is off.
func diskSpace(string) (free, total int64, err error) { return 0, 0, errors.ErrUnsupported }
