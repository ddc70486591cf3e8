//go:build e2e

// Package conformance runs upstream's suites, as the repositories of Knative's ingresses do.
package conformance

import (
	"flag"
	"slices"
	"strconv"
	"strings"
	"testing"

	"knative.dev/networking/test"
	"knative.dev/networking/test/conformance/ingress"
)

var (
	all  = flag.String("all", "", "the names of all cases of the suite, with commas between them")
	only = flag.String("only", "", "the names of the cases to run")
)

// TestIngress runs one case after the other. In the suite they wait for each other with all their pods, which have no room on a
// small host: so it runs once for each case, and skips the others.
func TestIngress(t *testing.T) {
	names := strings.Split(*all, ",")
	for i, name := range strings.Split(*only, ",") {
		others := slices.DeleteFunc(slices.Clone(names), func(other string) bool { return other == name })
		test.NetworkingFlags.SkipTests = strings.Join(others, ",")
		t.Run(strconv.Itoa(i), ingress.RunConformance)
	}
}
