package estate

import (
	"fmt"
	"testing"
)

// BenchmarkSinglePoints ranks the single points of failure of 1,000 services in ten layers, each with three dependencies.
func BenchmarkSinglePoints(b *testing.B) {
	var entities []Entity
	for i := range 1000 {
		e := Entity{Ref: Ref(fmt.Sprintf("component:default/c%d", i)), Kind: "Component", Tier: i % 4}
		for k := range 3 {
			if i >= 100 {
				e.DependsOn = append(e.DependsOn, Ref(fmt.Sprintf("component:default/c%d", (i/100-1)*100+(i*7+k*31)%100)))
			}
		}
		entities = append(entities, e)
	}
	for b.Loop() {
		if len(New(entities).SinglePoints(2)) == 0 {
			b.Fatal("none")
		}
	}
}
