package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"
)

//go:embed manifests/*.yaml.tmpl
var manifestFiles embed.FS

// stackData is what the templates in manifests/ take.
type stackData struct {
	Images        *Images
	Network       *NetworkSpec
	APIServer     string // URL for clients that cannot use the service address yet
	ClusterDNS    string
	Replicas      int    // of CoreDNS
	WorkerConfig  string // what a worker reads before it starts its kubelet
	Upstream      bool   // the host has a name server that CoreDNS can forward to
	MasqueradeAll bool
	CNIConfDir    string
}

// deployStack applies k0s' own workloads, and keeps CoreDNS' replicas in step with the nodes until ctx ends.
func deployStack(ctx context.Context, api *apiClient, vars Vars, config *ClusterConfig, disabled []string, node string) error {
	dns, err := config.Spec.Network.serviceAddress(10)
	if err != nil {
		return err
	}
	shared, err := json.Marshal(config.workerConfig())
	if err != nil {
		return err
	}
	data := stackData{
		Replicas: 1, WorkerConfig: string(shared),
		Images: config.Spec.Images, Network: config.Spec.Network,
		APIServer: config.Spec.API.url(), ClusterDNS: dns.String(),
		Upstream: hasNameServer(resolvConf()), MasqueradeAll: !bridgeCallsIPTables(), CNIConfDir: cniConfDir,
	}
	deploy := func(component, stack, file string) error {
		// What was deployed before it was disabled stays, as with k0s.
		if slices.Contains(disabled, component) {
			return nil
		}
		manifest, err := render(file, data)
		if err != nil {
			return err
		}
		// Like k0s, leave what was applied where an administrator looks for it.
		dir := filepath.Join(vars.ManifestsDir, stack)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, file), manifest, 0o644, 0); err != nil {
			return err
		}
		for _, document := range bytes.Split(manifest, []byte("\n---\n")) {
			if err := retry(ctx, 250*time.Millisecond, func(ctx context.Context) error { return api.apply(ctx, document, stack) }); err != nil {
				return err
			}
		}
		slog.Info("applied", "component", component)
		return nil
	}
	for _, part := range [][3]string{
		{"system-rbac", "bootstraprbac", "bootstrap-rbac.yaml"},
		{"worker-config", "worker-config", "worker-config.yaml"},
		{"kube-proxy", "kubeproxy", "kube-proxy.yaml"},
		{"coredns", "coredns", "coredns.yaml"},
		{"metrics-server", "metricserver", "metrics-server.yaml"},
	} {
		if err := deploy(part[0], part[1], part[2]); err != nil {
			return err
		}
	}
	if config.Spec.Network.Provider == "kuberouter" {
		if err := deploy("network-provider", "kuberouter", "kube-router.yaml"); err != nil {
			return err
		}
	}
	if err := retry(ctx, time.Second, func(ctx context.Context) error { return api.labelNode(ctx, node) }); err != nil {
		return err
	}
	// As k0s does (pkg/component/controller/coredns.go), it looks at the number of nodes every ten seconds.
	for {
		if nodes, err := api.nodeCount(ctx); err == nil && coreDNSReplicas(nodes) != data.Replicas {
			data.Replicas = coreDNSReplicas(nodes)
			if err := deploy("coredns", "coredns", "coredns.yaml"); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Second):
		}
	}
}

// coreDNSReplicas is one for a single node, and for more of them one more for each ten.
func coreDNSReplicas(nodes int) int {
	if nodes <= 1 {
		return 1
	}
	return 1 + (nodes+9)/10
}

// refuseServicesUntilSynced makes connections to Services fail at once until
// kube-proxy's first rules are in place. They would leave by the default route
// and be lost, and a client of a pod that started too early, as CoreDNS is on
// every boot, would wait 30 s for an answer before it tries again.
func refuseServicesUntilSynced(ctx context.Context, serviceCIDR string) (wait func() error, err error) {
	if kubeProxySynced(ctx) == nil { // k0s starts again, under pods that went on
		return func() error { return nil }, nil
	}
	route := func(verb string) error {
		out, err := exec.Command("ip", "route", verb, "unreachable", serviceCIDR).CombinedOutput()
		if err != nil {
			return fmt.Errorf("ip route %s unreachable %s: %w: %s", verb, serviceCIDR, err, bytes.TrimSpace(out))
		}
		return nil
	}
	if err := route("replace"); err != nil {
		return nil, err
	}
	return func() error {
		err := retry(ctx, 200*time.Millisecond, kubeProxySynced)
		return errors.Join(err, route("delete"))
	}, nil
}

// kubeProxySynced asks kube-proxy's own health check, which is good once its rules are in place.
func kubeProxySynced(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:10256/healthz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("kube-proxy is not healthy: %s", response.Status)
	}
	return nil
}

func render(file string, data stackData) ([]byte, error) {
	t, err := template.New(file+".tmpl").Funcs(template.FuncMap{"shuffled": shuffled}).ParseFS(manifestFiles, "manifests/"+file+".tmpl")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, data)
	return bytes.TrimPrefix(out.Bytes(), []byte("---\n")), err
}

// shuffled are arguments in an order of their own at each start, since k0s keeps them in a map: so the pods of kube-proxy
// and kube-router are replaced when k0s restarts (args.ToDashedArgs in pkg/component/controller of v1.34.10).
func shuffled(args ...string) []string {
	rand.Shuffle(len(args), func(i, j int) { args[i], args[j] = args[j], args[i] })
	return args
}

// resolvConf is the file that pods with dnsPolicy Default inherit. systemd-resolved's
// stub is no use to them, because it listens on the host's loopback.
func resolvConf() string {
	const file, resolved = "/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"
	if data, err := os.ReadFile(file); err == nil && strings.Contains(string(data), "nameserver 127.0.0.53") {
		return resolved
	}
	return file
}

func hasNameServer(file string) bool {
	data, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "nameserver") {
			return true
		}
	}
	return false
}

// bridgeCallsIPTables tells whether traffic between pods on the bridge passes
// kube-proxy's rules. Where it does not, answers must be led back by masquerading.
func bridgeCallsIPTables() bool {
	data, err := os.ReadFile("/proc/sys/net/bridge/bridge-nf-call-iptables")
	return err == nil && strings.TrimSpace(string(data)) == "1"
}
