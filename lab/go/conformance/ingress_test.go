//go:build e2e

// Package conformance runs upstream's suite of ingresses, as the repositories of Knative's ingresses do.
package conformance

import (
	"testing"

	"knative.dev/networking/test/conformance/ingress"
)

func TestIngress(t *testing.T) {
	ingress.RunConformance(t)
}
