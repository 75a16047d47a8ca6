package metric

import (
	"fmt"
	"strings"

	"github.com/prometheus/prometheus/prompb"
)

// bytesText prints a size for people: "512 B", "3.2 MiB".
func bytesText(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	div, exp := int64(unit), 0
	for m := n / unit; m >= unit; m /= unit {
		div *= unit
		exp++
	}
	return fmt.Sprintf("%.1f %ciB", float64(n)/float64(div), "KMGTPE"[exp])
}

// typeName is a remote write 1.0 metric type in the words of Prometheus' API.
func typeName(t prompb.MetricMetadata_MetricType) string { return strings.ToLower(t.String()) }

// cut keeps the first n bytes of a text.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "..."
}
