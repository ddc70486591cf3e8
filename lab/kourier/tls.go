package main

import (
	"crypto/tls"
	"fmt"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	tlsinspectorv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/tls_inspector/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/types/known/anypb"
	corev1 "k8s.io/api/core/v1"
)

// certificate is what the gateway shows to those who ask for one of its hosts; for any host if it names none.
type certificate struct {
	hosts      []string
	chain, key []byte
}

// certificateOf reads a certificate from a Secret, and refuses what is none, as Kourier does.
func certificateOf(b backends, namespace, name string) (*certificate, error) {
	secret, err := b.secret(namespace, name)
	if err != nil {
		return nil, fmt.Errorf("failed to fetch secret: %w", err)
	}
	own := &certificate{chain: secret.Data[corev1.TLSCertKey], key: secret.Data[corev1.TLSPrivateKeyKey]}
	if _, err := tls.X509KeyPair(own.chain, own.key); err != nil {
		return nil, fmt.Errorf("invalid secret is specified: %w", err)
	}
	return own, nil
}

// tlsListeners serve HTTPS to users and to the probes. Where an ingress has a certificate of its own, probes are served by
// the routes without TLS, as in Kourier.
func (g gatewayConfig) tlsListeners() ([]*listenerv3.Listener, error) {
	if len(g.certificates) == 0 && g.oneCertificate == nil {
		return nil, nil
	}
	probeTable := externalTLSTable
	if len(g.certificates) > 0 {
		probeTable = externalTable
	}
	var listeners []*listenerv3.Listener
	for _, l := range []struct {
		name  string
		port  uint32
		table string
	}{{"listener_external_tls", externalTLSPort, externalTLSTable}, {"listener_probe_tls", probeTLSPort, probeTable}} {
		listener, err := g.tlsListener(l.name, l.port, l.table)
		if err != nil {
			return nil, err
		}
		listeners = append(listeners, listener)
	}
	return listeners, nil
}

func (g gatewayConfig) tlsListener(name string, port uint32, table string) (*listenerv3.Listener, error) {
	listener, err := g.listener(name, port, table)
	if err != nil {
		return nil, err
	}
	filters := listener.FilterChains[0].Filters
	listener.FilterChains = nil
	certificates := g.certificates
	if g.oneCertificate != nil {
		certificates = append(certificates[:len(certificates):len(certificates)], *g.oneCertificate)
	}
	for _, own := range certificates {
		socket, err := own.transportSocket()
		if err != nil {
			return nil, err
		}
		chain := &listenerv3.FilterChain{Filters: filters, TransportSocket: socket}
		if len(own.hosts) > 0 {
			chain.FilterChainMatch = &listenerv3.FilterChainMatch{ServerNames: own.hosts}
		}
		listener.FilterChains = append(listener.FilterChains, chain)
	}
	if len(g.certificates) > 0 {
		inspector, err := anypb.New(&tlsinspectorv3.TlsInspector{})
		if err != nil {
			return nil, err
		}
		listener.ListenerFilters = []*listenerv3.ListenerFilter{{
			Name:       "envoy.filters.listener.tls_inspector",
			ConfigType: &listenerv3.ListenerFilter_TypedConfig{TypedConfig: inspector},
		}}
	}
	return listener, nil
}

// transportSocket is TLS 1.2 or newer, with HTTP/2 for those who take it.
func (c certificate) transportSocket() (*corev3.TransportSocket, error) {
	inline := func(bytes []byte) *corev3.DataSource {
		return &corev3.DataSource{Specifier: &corev3.DataSource_InlineBytes{InlineBytes: bytes}}
	}
	context, err := anypb.New(&tlsv3.DownstreamTlsContext{CommonTlsContext: &tlsv3.CommonTlsContext{
		AlpnProtocols:   []string{"h2", "http/1.1"},
		TlsParams:       &tlsv3.TlsParameters{TlsMinimumProtocolVersion: tlsv3.TlsParameters_TLSv1_2},
		TlsCertificates: []*tlsv3.TlsCertificate{{CertificateChain: inline(c.chain), PrivateKey: inline(c.key)}},
	}})
	if err != nil {
		return nil, err
	}
	return &corev3.TransportSocket{
		Name:       "envoy.transport_sockets.tls",
		ConfigType: &corev3.TransportSocket_TypedConfig{TypedConfig: context},
	}, nil
}
