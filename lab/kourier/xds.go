package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log"
	"net"
	"time"

	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	streamv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/stream/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/sotw/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
)

// The gateway's side of the contract: ConfigMap kourier-bootstrap and the container ports and
// readiness probe of the gateway Deployment in kourier.yaml.
const (
	xdsAddress       = ":18000"
	gatewayNode      = "3scale-kourier-gateway"
	externalPort     = 8080
	internalPort     = 8081
	externalTLSPort  = 8443
	probePort        = 8090
	probeTLSPort     = 9443
	externalTable    = "external_services"
	externalTLSTable = "external_tls_services"
	internalTable    = "internal_services"
)

// gatewayConfig is the whole configuration of the gateway, all ingresses together.
type gatewayConfig struct {
	clusters           []*clusterv3.Cluster
	external, internal []*routev3.VirtualHost
	externalTLS        []*routev3.VirtualHost
	// certificates are those of single hosts; oneCertificate, if there is one, is for all others.
	certificates      []certificate
	oneCertificate    *certificate
	accessLog         bool
	streamIdleTimeout time.Duration
}

// snapshot renders the configuration. Each resource type is versioned by its content, so that a
// changed endpoint does not push the unchanged listeners and routes.
func (g gatewayConfig) snapshot() (*cache.Snapshot, error) {
	ready := &routev3.VirtualHost{
		Name:    "internalkourier",
		Domains: []string{"internalkourier"},
		Routes: []*routev3.Route{{
			Match:  &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Path{Path: "/ready"}},
			Action: &routev3.Route_DirectResponse{DirectResponse: &routev3.DirectResponseAction{Status: 200}},
		}},
	}
	routes := []types.Resource{
		&routev3.RouteConfiguration{Name: externalTable, VirtualHosts: g.external},
		&routev3.RouteConfiguration{Name: internalTable, VirtualHosts: append([]*routev3.VirtualHost{ready}, g.internal...)},
	}
	var listeners, clusters []types.Resource
	for _, l := range []struct {
		name  string
		port  uint32
		table string
	}{
		{"listener_external", externalPort, externalTable},
		{"listener_internal", internalPort, internalTable},
		{"listener_probe", probePort, externalTable},
	} {
		listener, err := g.listener(l.name, l.port, l.table)
		if err != nil {
			return nil, err
		}
		listeners = append(listeners, listener)
	}
	withTLS, err := g.tlsListeners()
	if err != nil {
		return nil, err
	}
	for _, listener := range withTLS {
		listeners = append(listeners, listener)
	}
	if len(withTLS) > 0 {
		routes = append(routes, &routev3.RouteConfiguration{Name: externalTLSTable, VirtualHosts: g.externalTLS})
	}
	for _, cluster := range g.clusters {
		clusters = append(clusters, cluster)
	}
	snapshot := &cache.Snapshot{}
	for kind, resources := range map[types.ResponseType][]types.Resource{
		types.Cluster: clusters, types.Route: routes, types.Listener: listeners,
	} {
		version, err := contentHash(resources)
		if err != nil {
			return nil, err
		}
		snapshot.Resources[kind] = cache.NewResources(version, resources)
	}
	return snapshot, nil
}

func (g gatewayConfig) listener(name string, port uint32, table string) (*listenerv3.Listener, error) {
	router, err := anypb.New(&routerv3.Router{})
	if err != nil {
		return nil, err
	}
	manager := &hcmv3.HttpConnectionManager{
		StatPrefix:        "ingress_http",
		StreamIdleTimeout: durationpb.New(g.streamIdleTimeout),
		HttpFilters: []*hcmv3.HttpFilter{{
			Name:       "envoy.filters.http.router",
			ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: router},
		}},
		RouteSpecifier: &hcmv3.HttpConnectionManager_Rds{Rds: &hcmv3.Rds{
			RouteConfigName: table,
			ConfigSource: &corev3.ConfigSource{
				ResourceApiVersion:    resource.DefaultAPIVersion,
				ConfigSourceSpecifier: &corev3.ConfigSource_Ads{Ads: &corev3.AggregatedConfigSource{}},
			},
		}},
	}
	if g.accessLog {
		stdout, err := anypb.New(&streamv3.StdoutAccessLog{})
		if err != nil {
			return nil, err
		}
		manager.AccessLog = []*accesslogv3.AccessLog{{
			Name:       "envoy.access_loggers.stdout",
			ConfigType: &accesslogv3.AccessLog_TypedConfig{TypedConfig: stdout},
		}}
	}
	filter, err := anypb.New(manager)
	if err != nil {
		return nil, err
	}
	return &listenerv3.Listener{
		Name:    name,
		Address: socketAddress("0.0.0.0", port),
		FilterChains: []*listenerv3.FilterChain{{Filters: []*listenerv3.Filter{{
			Name:       "envoy.filters.network.http_connection_manager",
			ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: filter},
		}}}},
	}, nil
}

func contentHash(resources []types.Resource) (string, error) {
	hash := sha256.New()
	for _, r := range resources {
		bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(hash, "%d:", len(bytes))
		hash.Write(bytes)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// serveXDS serves the gateways and the pod's gRPC probes until ctx ends. Call it once the first
// snapshot is set: a gateway that reconnects must never be handed an empty configuration.
func serveXDS(ctx context.Context, snapshots cache.SnapshotCache) error {
	listener, err := net.Listen("tcp", xdsAddress)
	if err != nil {
		return err
	}
	// The gateway's bootstrap pings every 30 s; gRPC's default takes that for an attack.
	grpcServer := grpc.NewServer(grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
		MinTime: 5 * time.Second, PermitWithoutStream: true,
	}))
	callbacks := server.CallbackFuncs{
		StreamRequestFunc: func(_ int64, request *discoveryv3.DiscoveryRequest) error {
			if detail := request.GetErrorDetail(); detail != nil {
				log.Printf("the gateway refused %s: %s", request.GetTypeUrl(), detail.GetMessage())
			}
			return nil
		},
	}
	// Ordered: clusters must be there before the routes that name them.
	xds := server.NewServer(ctx, snapshots, callbacks, sotw.WithOrderedADS())
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(grpcServer, xds)
	healthgrpc.RegisterHealthServer(grpcServer, health.NewServer())
	go func() {
		<-ctx.Done()
		grpcServer.Stop()
	}()
	return grpcServer.Serve(listener)
}
