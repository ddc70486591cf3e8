// Command cni-node stands in for kube-router: it gives the node's pods a bridge network by writing
// the CNI configuration under kube-router's name, and stays until it is told to end, as heavy as
// kube-router. Routes between nodes are not its business: the edge host is a single node.
package main

import (
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
	podCIDR := flag.String("pod-cidr", "", "the node's pod CIDR, its spec.podCIDR (required)")
	confDir := flag.String("conf-dir", "/etc/cni/net.d", "where the container runtime reads CNI configurations")
	// kube-router's own, as k0s gives them: none of them changes what a single node's pods see.
	for _, name := range []string{"run-router", "run-firewall", "run-service-proxy", "bgp-graceful-restart", "auto-mtu", "hairpin-mode"} {
		flag.Bool(name, true, "accepted as by kube-router, without effect")
	}
	flag.Parse()
	config, err := conflist(*podCIDR)
	if err != nil {
		log.Fatalf("--pod-cidr: %v", err)
	}
	if err := writeAtomically(filepath.Join(*confDir, "10-kuberouter.conflist"), config); err != nil {
		log.Fatal(err)
	}
	if err := weight.Carry(weight.KubeRouter); err != nil {
		log.Fatal(err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
}

// conflist is what kube-router would write. ipMasq leaves traffic inside the pod CIDR alone, so pods
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
