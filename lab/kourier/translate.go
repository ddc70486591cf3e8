package main

import (
	"errors"
	"fmt"
	"sort"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	upstreamsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	"knative.dev/networking/pkg/ingress"
)

// errBackendMissing says that an ingress names a Service which is not there (yet).
// The Service's event brings the ingress back, so nobody needs to retry.
var errBackendMissing = errors.New("a Service that the ingress names does not exist yet")

// backends is what translation reads from the cluster: the informers' listers, or a test's maps.
type backends interface {
	// service returns nil when there is no such Service.
	service(namespace, name string) (*corev1.Service, error)
	endpointSlices(namespace, service string) ([]*discoveryv1.EndpointSlice, error)
	// secret returns an error when there is no such Secret.
	secret(namespace, name string) (*corev1.Secret, error)
}

// translation is the Envoy configuration of one ingress.
type translation struct {
	clusters map[string]*clusterv3.Cluster
	// external holds the rules visible from outside, internal every rule: as in Kourier, what is
	// public is reachable through the cluster-local gateway too.
	external []*routev3.VirtualHost
	internal []*routev3.VirtualHost
	// externalTLS holds the rules visible from outside as they are served over HTTPS.
	externalTLS []*routev3.VirtualHost
	// certificates of the ingress' own, for the hosts that they name.
	certificates []certificate
}

// translate turns an ingress into Envoy clusters and virtual hosts. Each path is preceded by a twin
// that answers the readiness probe with the ingress' hash (knative.dev/networking's convention), so
// that a probe proves that the gateway serves this very version. A redirect to HTTPS takes the place of
// a public rule's routes, the probe's among them: Knative's prober takes the redirect for an answer.
func translate(original *v1alpha1.Ingress, b backends) (*translation, error) {
	ing := original.DeepCopy()
	if _, err := ingress.InsertProbe(ing); err != nil {
		return nil, err
	}
	t := &translation{clusters: map[string]*clusterv3.Cluster{}}
	for _, tls := range ing.GetIngressTLSForVisibility(v1alpha1.IngressVisibilityExternalIP) {
		own, err := certificateOf(b, tls.SecretNamespace, tls.SecretName)
		if err != nil {
			return nil, err
		}
		own.hosts = tls.Hosts
		t.certificates = append(t.certificates, *own)
	}
	for i, rule := range ing.Spec.Rules {
		host := &routev3.VirtualHost{Name: fmt.Sprintf("(%s/%s).Rules[%d]", ing.Namespace, ing.Name, i)}
		for _, name := range rule.Hosts {
			// ":*" because gRPC clients send the port in :authority.
			host.Domains = append(host.Domains, name, name+":*")
		}
		for _, path := range rule.HTTP.Paths {
			route, err := t.addRoute(path, b)
			if err != nil {
				return nil, err
			}
			host.Routes = append(host.Routes, route)
		}
		if rule.Visibility == v1alpha1.IngressVisibilityExternalIP {
			t.externalTLS = append(t.externalTLS, host)
			if ing.Spec.HTTPOption == v1alpha1.HTTPOptionRedirected {
				host = redirected(host)
			}
			t.external = append(t.external, host)
		}
		t.internal = append(t.internal, host)
	}
	return t, nil
}

// redirected is a host whose routes all lead to HTTPS.
func redirected(host *routev3.VirtualHost) *routev3.VirtualHost {
	other := &routev3.VirtualHost{Name: host.Name, Domains: host.Domains}
	for _, route := range host.Routes {
		other.Routes = append(other.Routes, &routev3.Route{
			Match: route.Match,
			Action: &routev3.Route_Redirect{Redirect: &routev3.RedirectAction{
				SchemeRewriteSpecifier: &routev3.RedirectAction_HttpsRedirect{HttpsRedirect: true},
			}},
		})
	}
	return other
}

// domains returns every domain of the translation; Envoy refuses a route table that has one twice.
func (t *translation) domains() []string {
	var all []string
	for _, host := range t.internal {
		all = append(all, host.GetDomains()...)
	}
	return all
}

func (t *translation) addRoute(path v1alpha1.HTTPIngressPath, b backends) (*routev3.Route, error) {
	prefix := path.Path
	if prefix == "" {
		prefix = "/"
	}
	action := &routev3.RouteAction{
		// Knative's own timeouts are the activator's and queue-proxy's.
		Timeout:        durationpb.New(0),
		UpgradeConfigs: []*routev3.RouteAction_UpgradeConfig{{UpgradeType: "websocket", Enabled: wrapperspb.Bool(true)}},
	}
	if path.RewriteHost != "" {
		action.HostRewriteSpecifier = &routev3.RouteAction_HostRewriteLiteral{HostRewriteLiteral: path.RewriteHost}
	}
	weighted := &routev3.WeightedCluster{}
	for _, split := range path.Splits {
		cluster, err := newCluster(split.IngressBackend, b)
		if err != nil {
			return nil, err
		}
		t.clusters[cluster.GetName()] = cluster
		weighted.Clusters = append(weighted.Clusters, &routev3.WeightedCluster_ClusterWeight{
			Name:                cluster.GetName(),
			Weight:              wrapperspb.UInt32(uint32(split.Percent)),
			RequestHeadersToAdd: headersToAdd(split.AppendHeaders),
		})
	}
	action.ClusterSpecifier = &routev3.RouteAction_WeightedClusters{WeightedClusters: weighted}
	return &routev3.Route{
		Match: &routev3.RouteMatch{
			PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: prefix},
			Headers:       headerMatchers(path.Headers),
		},
		Action:              &routev3.Route_Route{Route: action},
		RequestHeadersToAdd: headersToAdd(path.AppendHeaders),
	}, nil
}

// newCluster lists a Service's ready endpoints, so that Envoy balances over activators or pods itself.
func newCluster(backend v1alpha1.IngressBackend, b backends) (*clusterv3.Cluster, error) {
	service, err := b.service(backend.ServiceNamespace, backend.ServiceName)
	if err != nil {
		return nil, err
	}
	if service == nil {
		return nil, errBackendMissing
	}
	var port corev1.ServicePort
	http2 := false
	for _, candidate := range service.Spec.Ports {
		if candidate.Port == backend.ServicePort.IntVal || (candidate.Name != "" && candidate.Name == backend.ServicePort.StrVal) {
			port = candidate
		}
		http2 = http2 || candidate.Name == "http2" || candidate.Name == "h2c"
	}
	cluster := &clusterv3.Cluster{
		// Two ports of one Service are two clusters.
		Name:           fmt.Sprintf("%s/%s:%s", service.Namespace, service.Name, backend.ServicePort.String()),
		ConnectTimeout: durationpb.New(5 * time.Second),
	}
	var endpoints []*endpointv3.LbEndpoint
	if service.Spec.Type == corev1.ServiceTypeExternalName {
		cluster.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_LOGICAL_DNS}
		cluster.DnsLookupFamily = clusterv3.Cluster_V4_PREFERRED
		endpoints = []*endpointv3.LbEndpoint{newEndpoint(service.Spec.ExternalName, uint32(port.Port))}
	} else {
		cluster.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_STATIC}
		slices, err := b.endpointSlices(service.Namespace, service.Name)
		if err != nil {
			return nil, err
		}
		endpoints = readyEndpoints(slices, port)
	}
	cluster.LoadAssignment = &endpointv3.ClusterLoadAssignment{
		ClusterName: cluster.Name,
		Endpoints:   []*endpointv3.LocalityLbEndpoints{{LbEndpoints: endpoints}},
	}
	if http2 {
		options, err := anypb.New(&upstreamsv3.HttpProtocolOptions{
			UpstreamProtocolOptions: &upstreamsv3.HttpProtocolOptions_ExplicitHttpConfig_{
				ExplicitHttpConfig: &upstreamsv3.HttpProtocolOptions_ExplicitHttpConfig{
					ProtocolConfig: &upstreamsv3.HttpProtocolOptions_ExplicitHttpConfig_Http2ProtocolOptions{
						Http2ProtocolOptions: &corev3.Http2ProtocolOptions{},
					},
				},
			},
		})
		if err != nil {
			return nil, err
		}
		cluster.TypedExtensionProtocolOptions = map[string]*anypb.Any{
			"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options,
		}
	}
	return cluster, nil
}

// readyEndpoints orders by address: an unchanged set must give an unchanged snapshot.
func readyEndpoints(slices []*discoveryv1.EndpointSlice, port corev1.ServicePort) []*endpointv3.LbEndpoint {
	type target struct {
		ip   string
		port int32
	}
	found := sets.New[target]()
	for _, slice := range slices {
		// A numeric target port wins over the slice's names: Knative points a revision's Service at
		// the activator's slice, whose port names are the activator's.
		number := port.TargetPort.IntVal
		for _, p := range slice.Ports {
			if number == 0 && p.Port != nil && p.Name != nil && *p.Name == port.Name {
				number = *p.Port
			}
		}
		if number == 0 {
			continue
		}
		for ip := range addresses(slice) {
			found.Insert(target{ip, number})
		}
	}
	targets := found.UnsortedList()
	sort.Slice(targets, func(i, j int) bool {
		if targets[i].ip != targets[j].ip {
			return targets[i].ip < targets[j].ip
		}
		return targets[i].port < targets[j].port
	})
	endpoints := make([]*endpointv3.LbEndpoint, 0, len(targets))
	for _, t := range targets {
		endpoints = append(endpoints, newEndpoint(t.ip, uint32(t.port)))
	}
	return endpoints
}

// addresses returns the ready addresses of a slice, none for nil.
func addresses(slice *discoveryv1.EndpointSlice) sets.Set[string] {
	ready := sets.New[string]()
	if slice == nil {
		return ready
	}
	for _, endpoint := range slice.Endpoints {
		if isReady := endpoint.Conditions.Ready; isReady == nil || *isReady {
			ready.Insert(endpoint.Addresses...)
		}
	}
	return ready
}

func newEndpoint(address string, port uint32) *endpointv3.LbEndpoint {
	return &endpointv3.LbEndpoint{
		HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{Address: socketAddress(address, port)}},
	}
}

func socketAddress(address string, port uint32) *corev3.Address {
	return &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
		Address:       address,
		PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: port},
	}}}
}

func headersToAdd(headers map[string]string) []*corev3.HeaderValueOption {
	options := make([]*corev3.HeaderValueOption, 0, len(headers))
	for _, key := range sets.List(sets.KeySet(headers)) {
		options = append(options, &corev3.HeaderValueOption{
			Header: &corev3.HeaderValue{Key: key, Value: headers[key]},
			// A client must not smuggle in its own Knative-Serving-Revision.
			AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
		})
	}
	return options
}

func headerMatchers(headers map[string]v1alpha1.HeaderMatch) []*routev3.HeaderMatcher {
	matchers := make([]*routev3.HeaderMatcher, 0, len(headers))
	for _, key := range sets.List(sets.KeySet(headers)) {
		matcher := &routev3.HeaderMatcher{Name: key}
		if exact := headers[key].Exact; exact != "" {
			matcher.HeaderMatchSpecifier = &routev3.HeaderMatcher_StringMatch{StringMatch: &matcherv3.StringMatcher{
				MatchPattern: &matcherv3.StringMatcher_Exact{Exact: exact},
			}}
		} else {
			matcher.HeaderMatchSpecifier = &routev3.HeaderMatcher_PresentMatch{PresentMatch: true}
		}
		matchers = append(matchers, matcher)
	}
	return matchers
}
