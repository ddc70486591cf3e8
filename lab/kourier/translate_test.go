package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
)

// world is a cluster of one namespace.
type world struct {
	services map[string]*corev1.Service
	slices   map[string][]*discoveryv1.EndpointSlice
	secrets  map[string]*corev1.Secret
}

func (w world) service(_, name string) (*corev1.Service, error) { return w.services[name], nil }
func (w world) endpointSlices(_, name string) ([]*discoveryv1.EndpointSlice, error) {
	return w.slices[name], nil
}

func (w world) secret(_, name string) (*corev1.Secret, error) {
	if found := w.secrets[name]; found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("secret %q not found", name)
}

func service(name, portName string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: portName, Port: 80, TargetPort: intstr.FromInt32(8012)}}},
	}
}

func split(name string, percent int) v1alpha1.IngressBackendSplit {
	return v1alpha1.IngressBackendSplit{
		IngressBackend: v1alpha1.IngressBackend{ServiceNamespace: "default", ServiceName: name, ServicePort: intstr.FromInt32(80)},
		Percent:        percent,
		AppendHeaders:  map[string]string{"Knative-Serving-Revision": name},
	}
}

func rule(visibility v1alpha1.IngressVisibility, host string, splits ...v1alpha1.IngressBackendSplit) v1alpha1.IngressRule {
	return v1alpha1.IngressRule{
		Hosts: []string{host}, Visibility: visibility,
		HTTP: &v1alpha1.HTTPIngressRuleValue{Paths: []v1alpha1.HTTPIngressPath{{Splits: splits}}},
	}
}

func ingressOf(rules ...v1alpha1.IngressRule) *v1alpha1.Ingress {
	return &v1alpha1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "hello"},
		Spec:       v1alpha1.IngressSpec{Rules: rules},
	}
}

func TestTranslate(t *testing.T) {
	no := false
	cluster := world{
		services: map[string]*corev1.Service{"one": service("one", "http"), "two": service("two", "http2")},
		slices: map[string][]*discoveryv1.EndpointSlice{"one": {{
			Endpoints: []discoveryv1.Endpoint{
				{Addresses: []string{"10.244.0.9"}},
				{Addresses: []string{"10.244.0.5"}},
				{Addresses: []string{"10.244.0.7"}, Conditions: discoveryv1.EndpointConditions{Ready: &no}},
			},
		}}},
	}
	got, err := translate(ingressOf(
		rule(v1alpha1.IngressVisibilityClusterLocal, "hello.default", split("one", 100)),
		rule(v1alpha1.IngressVisibilityExternalIP, "hello.example", split("one", 70), split("two", 30)),
	), cluster)
	if err != nil {
		t.Fatal(err)
	}

	if len(got.external) != 1 || strings.Join(got.external[0].Domains, " ") != "hello.example hello.example:*" {
		t.Errorf("outside there is more or less than the public host: %v", got.external)
	}
	if len(got.internal) != 2 {
		t.Errorf("inside, want both hosts, got %v", got.internal)
	}

	routes := got.external[0].Routes
	if len(routes) != 2 || routes[0].Match.Headers[0].Name != "K-Network-Hash" || len(routes[1].Match.Headers) != 0 {
		t.Fatalf("want the probe's route, then the path's own: %v", routes)
	}
	var weights []uint32
	for _, c := range routes[1].Action.(*routev3.Route_Route).Route.GetWeightedClusters().Clusters {
		weights = append(weights, c.Weight.Value)
	}
	if len(weights) != 2 || weights[0] != 70 || weights[1] != 30 {
		t.Errorf("weights: want 70 and 30, got %v", weights)
	}

	var addresses []string
	for _, e := range got.clusters["default/one:80"].LoadAssignment.Endpoints[0].LbEndpoints {
		socket := e.GetEndpoint().Address.GetSocketAddress()
		if socket.GetPortValue() != 8012 {
			t.Errorf("port: want the target port 8012, got %d", socket.GetPortValue())
		}
		addresses = append(addresses, socket.Address)
	}
	if strings.Join(addresses, " ") != "10.244.0.5 10.244.0.9" {
		t.Errorf("want the ready addresses in order, got %v", addresses)
	}
	if got.clusters["default/one:80"].TypedExtensionProtocolOptions != nil || got.clusters["default/two:80"].TypedExtensionProtocolOptions == nil {
		t.Error("HTTP/2 belongs to the Service with a port named http2, and to no other")
	}
}

func TestTranslateRefuses(t *testing.T) {
	empty := world{}
	missing := ingressOf(rule(v1alpha1.IngressVisibilityExternalIP, "hello.example", split("gone", 100)))
	if _, err := translate(missing, empty); !errors.Is(err, errBackendMissing) {
		t.Errorf("missing Service: got %v", err)
	}
	withTLS := missing.DeepCopy()
	withTLS.Spec.TLS = []v1alpha1.IngressTLS{{Hosts: []string{"hello.example"}, SecretName: "own"}}
	if _, err := translate(withTLS, empty); err == nil || !strings.Contains(err.Error(), "failed to fetch secret") {
		t.Errorf("TLS without its Secret: got %v", err)
	}
	broken := world{secrets: map[string]*corev1.Secret{"own": {Data: map[string][]byte{"tls.crt": []byte("none")}}}}
	if _, err := translate(withTLS, broken); err == nil || !strings.Contains(err.Error(), "invalid secret") {
		t.Errorf("TLS with no certificate: got %v", err)
	}
}

func TestRedirectIsForPublicHostsAlone(t *testing.T) {
	cluster := world{services: map[string]*corev1.Service{"one": service("one", "http")}}
	ing := ingressOf(
		rule(v1alpha1.IngressVisibilityExternalIP, "hello.example", split("one", 100)),
		rule(v1alpha1.IngressVisibilityClusterLocal, "hello.default.svc", split("one", 100)),
	)
	ing.Spec.HTTPOption = v1alpha1.HTTPOptionRedirected
	got, err := translate(ing, cluster)
	if err != nil {
		t.Fatal(err)
	}
	redirects := func(hosts []*routev3.VirtualHost) (count int) {
		for _, host := range hosts {
			for _, route := range host.Routes {
				if route.GetRedirect().GetHttpsRedirect() {
					count++
				}
			}
		}
		return count
	}
	// Each path has a twin for the probe.
	if got, want := []int{redirects(got.external), redirects(got.internal), redirects(got.externalTLS)}, []int{2, 2, 0}; !slices.Equal(got, want) {
		t.Errorf("redirects outside, inside and over HTTPS: want %v, got %v", want, got)
	}
}

func TestListenersWithTLS(t *testing.T) {
	one, own := &certificate{}, []certificate{{hosts: []string{"api.example"}}}
	for _, test := range []struct {
		config gatewayConfig
		chains int
		tables int
	}{
		{gatewayConfig{}, 0, 2},
		{gatewayConfig{oneCertificate: one}, 1, 3},
		{gatewayConfig{certificates: own}, 1, 3},
		{gatewayConfig{oneCertificate: one, certificates: own}, 2, 3},
	} {
		listeners, err := test.config.tlsListeners()
		if err != nil {
			t.Fatal(err)
		}
		for _, listener := range listeners {
			if len(listener.FilterChains) != test.chains {
				t.Errorf("%s: want %d filter chains, got %d", listener.Name, test.chains, len(listener.FilterChains))
			}
		}
		snapshot, err := test.config.snapshot()
		if err != nil {
			t.Fatal(err)
		}
		if tables := len(snapshot.Resources[types.Route].Items); tables != test.tables {
			t.Errorf("want %d tables of routes, got %d", test.tables, tables)
		}
	}
}

func TestSnapshotVersionsFollowContent(t *testing.T) {
	cluster := world{services: map[string]*corev1.Service{"one": service("one", "http")}, slices: map[string][]*discoveryv1.EndpointSlice{}}
	ing := ingressOf(rule(v1alpha1.IngressVisibilityExternalIP, "hello.example", split("one", 100)))
	versions := func() (clusters, routes string) {
		got, err := translate(ing, cluster)
		if err != nil {
			t.Fatal(err)
		}
		config := gatewayConfig{external: got.external, internal: got.internal}
		for _, c := range got.clusters {
			config.clusters = append(config.clusters, c)
		}
		snapshot, err := config.snapshot()
		if err != nil {
			t.Fatal(err)
		}
		return snapshot.Resources[types.Cluster].Version, snapshot.Resources[types.Route].Version
	}
	clusters, routes := versions()
	cluster.slices["one"] = []*discoveryv1.EndpointSlice{{Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.244.0.5"}}}}}
	newClusters, newRoutes := versions()
	if newClusters == clusters {
		t.Error("a new endpoint must give a new version of the clusters")
	}
	if newRoutes != routes {
		t.Error("a new endpoint must not push the routes")
	}
}
