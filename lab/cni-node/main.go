// Command cni-node stands in for kube-router: it gives the node's pods a bridge network by writing the CNI configuration
// under kube-router's name, keeps a route to the pods of each other node, and stays until it is told to end, as heavy as
// kube-router. Where kube-router learns the routes from its neighbours by BGP, this reads the nodes from the API.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"knative-edge.lab/weight"
)

func main() {
	master := flag.String("master", "", "URL of the API server (required)")
	confDir := flag.String("conf-dir", "/etc/cni/net.d", "where the container runtime reads CNI configurations")
	// kube-router's own, as k0s gives them: none of them changes what the pods of these nodes see.
	for _, name := range []string{"run-router", "run-firewall", "run-service-proxy", "bgp-graceful-restart", "auto-mtu", "hairpin-mode"} {
		flag.Bool(name, true, "accepted as by kube-router, without effect")
	}
	flag.Parse()
	if err := weight.Carry(weight.KubeRouter); err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	own := os.Getenv("NODE_NAME")
	configured := ""
	routes := newRoutes()
	err := watchNodes(ctx, *master, func(nodes map[string]node) {
		if podCIDR := nodes[own].podCIDR; podCIDR != "" && podCIDR != configured {
			config, err := conflist(podCIDR)
			if err != nil {
				log.Fatalf("pod CIDR of %s: %v", own, err)
			}
			if err := writeAtomically(filepath.Join(*confDir, "10-kuberouter.conflist"), config); err != nil {
				log.Fatal(err)
			}
			configured = podCIDR
		}
		routes.follow(own, nodes)
	})
	// Like kube-router's, the routes stay when it ends: pods go on while it is replaced.
	if err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

// conflist is what kube-router would write. ipMasq leaves traffic inside the node's pod CIDR alone, so pods
// see each other's addresses; hairpinMode lets a pod reach itself through its Service.
func conflist(podCIDR string) ([]byte, error) {
	prefix, err := netip.ParsePrefix(podCIDR)
	if err != nil {
		return nil, err
	}
	type object = map[string]any
	return json.MarshalIndent(object{
		"cniVersion": "1.0.0",
		"name":       "kubernetes",
		"plugins": []object{
			{
				"type": "bridge", "bridge": "kube-bridge", "isDefaultGateway": true, "ipMasq": true, "hairpinMode": true,
				"ipam": object{"type": "host-local", "ranges": [][]object{{{"subnet": prefix.Masked().String()}}}},
			},
			{"type": "portmap", "snat": true, "capabilities": object{"portMappings": true}},
		},
	}, "", "  ")
}

// writeAtomically renames into place: the runtime watches the directory and reads what appears.
func writeAtomically(path string, content []byte) error {
	// Not *.conflist, which the runtime would pick up half written.
	temporary := path + ".tmp"
	if err := os.WriteFile(temporary, append(content, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
