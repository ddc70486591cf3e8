package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"github.com/pelletier/go-toml/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

func TestConfigIsStrict(t *testing.T) {
	for text, want := range map[string]string{
		"spec: {nope: 1}":                      `json: unknown field "nope"`,
		"spec: {network: {podCidr: 1.2.3.0}}":  "", // like the real one's, the parser does not mind the case
		"spec: {network: {calico: {mode: x}}}": "spec.network.calico: ",
		"spec: {images: {repository: x}}":      "spec.images.repository: ",
		"spec: {api: {extraArgs: {v: 1}}}":     "cannot unmarshal number",
		"a: [":                                 "error converting YAML to JSON",
	} {
		_, err := parseConfig([]byte(text), "kine")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("parseConfig(%q): %v, want %q", text, err, want)
		}
	}
}

func TestConfigDefaults(t *testing.T) {
	config, err := parseConfig([]byte("spec:\n  api: {address: 192.0.2.7, sans: [edge.example]}\n  network: {serviceCIDR: 10.50.0.0/16}\n  scheduler: null\n"), "kine")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(config.validate(), config.buildable()); err != nil {
		t.Error(err)
	}
	if got := config.Spec.Storage.Type; got != "kine" {
		t.Errorf("storage without a storage block: %s, want kine", got)
	}
	if got := config.Spec.API.url(); got != "https://192.0.2.7:6443" {
		t.Errorf("API URL: %s", got)
	}
	if config.Spec.Network.PodCIDR != "10.244.0.0/16" || config.Spec.Scheduler == nil {
		t.Errorf("defaults beside given values are lost: %+v", config.Spec)
	}
	if dns, err := config.Spec.Network.serviceAddress(10); err != nil || dns.String() != "10.50.0.10" {
		t.Errorf("cluster DNS: %s, %v; want 10.50.0.10", dns, err)
	}
	config.Spec.API.ExternalAddress = "edge.example:8443"
	if got := config.Spec.API.url(); got != "https://edge.example:8443" {
		t.Errorf("API URL by external address with a port: %s", got)
	}
}

func TestGeneratedConfigMeansEtcd(t *testing.T) {
	config, err := parseConfig([]byte("spec: {storage: {type: etcd}}"), "kine")
	if err != nil || config.validate() != nil {
		t.Fatalf("%v, %v: want a valid configuration", err, config.validate())
	}
	if err := config.buildable(); err == nil || !strings.Contains(err.Error(), "lab's double") {
		t.Errorf("etcd: %v, want a refusal that says who refuses", err)
	}
}

func TestUnit(t *testing.T) {
	cmd := &cobra.Command{Use: "controller"}
	addControllerFlags(cmd)
	cmd.Flags().Bool("force", false, "")
	err := cmd.ParseFlags([]string{
		"--single", "-c", "/etc/k0s/k0s.yaml", "--disable-components=autopilot,helm", "--force", "--kubelet-extra-args=--a=1 --b=50%", "--labels=x=y",
	})
	if err != nil {
		t.Fatal(err)
	}
	unit := unitText("/usr/local/bin/k0s", append([]string{"controller"}, flagsToArgs(cmd)...), []string{"HTTP_PROXY=http://p"})
	for _, want := range []string{
		"\nExecStart=/usr/local/bin/k0s controller --config=/etc/k0s/k0s.yaml --disable-components=autopilot,helm --kubelet-extra-args=--a=1\\x20--b=50%% --labels=x=y --single=true\n",
		"\nEnvironment=\"HTTP_PROXY=http://p\"\n", "\nKillMode=process\n", "\nDelegate=yes\n", "\nRestart=always\n", "\nRestartSec=10\n",
	} {
		if !strings.Contains(unit, want) {
			t.Errorf("the unit lacks %q:\n%s", want, unit)
		}
	}
}

func TestPKI(t *testing.T) {
	vars := Vars{CertRootDir: filepath.Join(t.TempDir(), "pki"), DataDir: t.TempDir()}
	vars.AdminKubeConfigPath = vars.pki("admin.conf")
	config, err := parseConfig([]byte("spec: {api: {address: 192.0.2.7, sans: [edge.example, 198.51.100.1]}}"), "kine")
	if err != nil {
		t.Fatal(err)
	}
	if err := ensurePKI(vars, config, "edge1"); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		data, err := os.ReadFile(vars.pki(name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	ca, server := read("ca.crt"), read("server.crt")
	pair, err := tls.LoadX509KeyPair(vars.pki("server.crt"), vars.pki("server.key"))
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(ca))
	for _, name := range []string{"localhost", "192.0.2.7", "edge.example", "198.51.100.1", "10.96.0.1", "kubernetes.default.svc", "edge1"} {
		if _, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots}); err != nil {
			t.Errorf("the API server's certificate for %s: %v", name, err)
		}
	}
	if err := ensurePKI(vars, config, "edge1"); err != nil {
		t.Fatal(err)
	}
	if read("ca.crt") != ca || read("server.crt") == server {
		t.Error("a second start must keep the authority and reissue the leaves")
	}
	// What a start leaves that is killed in between.
	if err := os.Remove(vars.pki("ca.crt")); err != nil {
		t.Fatal(err)
	}
	if err := ensurePKI(vars, config, "edge1"); err != nil {
		t.Errorf("a key without its certificate must not block a start: %v", err)
	}
	var parsed struct {
		CurrentContext string `json:"current-context"`
		Clusters       []struct{ Name string }
	}
	if err := yaml.Unmarshal([]byte(read("admin.conf")), &parsed); err != nil || parsed.CurrentContext != "Default" || parsed.Clusters[0].Name != "local" {
		t.Errorf("admin.conf: %+v, %v", parsed, err)
	}
	if info, err := os.Stat(vars.pki("admin.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("admin.key: %v, %v; want mode 0600", info.Mode(), err)
	}
}

func TestSystemReserved(t *testing.T) {
	file := filepath.Join(t.TempDir(), "host-size")
	if reserved, err := systemReserved(file); err != nil || reserved != nil {
		t.Errorf("without a declared size: %v, %v; want nothing", reserved, err)
	}
	if err := os.WriteFile(file, []byte("cpus=1\nmemoryMiB=100000000\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if reserved, err := systemReserved(file); err != nil || reserved["memory"] != "0" || !strings.HasSuffix(reserved["cpu"], "000m") && reserved["cpu"] != "0m" {
		t.Errorf("a size above the machine's memory: %v, %v", reserved, err)
	}
	if err := os.WriteFile(file, []byte("cpus=one\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := systemReserved(file); err == nil {
		t.Error("a size that is no number is accepted")
	}
}

// Every manifest renders to objects that apply knows how to put, with the requests of the real k0s.
func TestManifests(t *testing.T) {
	config, err := parseConfig(nil, "kine")
	if err != nil {
		t.Fatal(err)
	}
	requests := map[string]string{}
	entries, err := manifestFiles.ReadDir("manifests")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		data := stackData{Images: config.Spec.Images, Network: config.Spec.Network, APIServer: "https://192.0.2.7:6443", ClusterDNS: "10.96.0.10", Replicas: 2, WorkerConfig: "{}", CNIConfDir: cniConfDir}
		manifest, err := render(strings.TrimSuffix(entry.Name(), ".tmpl"), data)
		if err != nil {
			t.Fatal(err)
		}
		for document := range strings.SplitSeq(string(manifest), "\n---\n") {
			var object struct {
				Kind string
				Spec struct {
					Template struct {
						Spec struct {
							Containers []struct {
								Name      string
								Resources struct {
									Requests struct{ CPU, Memory string }
								}
							}
						}
					}
				}
			}
			if err := yaml.UnmarshalStrict([]byte(document), &map[string]any{}); err != nil {
				t.Errorf("%s: %v", entry.Name(), err)
			}
			if err := yaml.Unmarshal([]byte(document), &object); err != nil {
				t.Errorf("%s: %v", entry.Name(), err)
			}
			if resources[object.Kind] == "" {
				t.Errorf("%s: apply does not know kind %q", entry.Name(), object.Kind)
			}
			for _, c := range object.Spec.Template.Spec.Containers {
				requests[c.Name] = c.Resources.Requests.CPU + "/" + c.Resources.Requests.Memory
			}
		}
	}
	for name, want := range map[string]string{"kube-router": "250m/16Mi", "coredns": "100m/70Mi", "metrics-server": "10m/30M", "kube-proxy": "/"} {
		if requests[name] != want {
			t.Errorf("%s requests %s, want %s", name, requests[name], want)
		}
	}
}

// containerd 1.7, which k0s 1.34 has, refuses a later version, and knows the CRI plugin by this name alone.
func TestContainerdConfig(t *testing.T) {
	dropIns := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dropIns, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("registries.toml", "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\nconfig_path = \"/registries\"\n")
	write("other.toml", "version = 2\n[debug]\nlevel = \"debug\"\n")
	text, err := containerdConfigText("registry.k8s.io/pause:3.10", false, dropIns)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text, managedFileMark+"\n") {
		t.Errorf("containerd.toml is not k0s' own:\n%s", text)
	}
	var config struct {
		Version int
		Imports []string
		Plugins map[string]struct {
			SandboxImage        string            `toml:"sandbox_image"`
			RestrictOOMScoreAdj bool              `toml:"restrict_oom_score_adj"`
			Registry            map[string]string `toml:"registry"`
			CNI                 map[string]string `toml:"cni"`
		}
	}
	if err := toml.Unmarshal([]byte(text), &config); err != nil {
		t.Fatal(err)
	}
	cri := config.Plugins["io.containerd.grpc.v1.cri"]
	if config.Version != 2 || !slices.Equal(config.Imports, []string{filepath.Join(dropIns, "other.toml")}) {
		t.Errorf("version and imports:\n%s", text)
	}
	if cri.SandboxImage != "registry.k8s.io/pause:3.10" || !cri.RestrictOOMScoreAdj || cri.CNI["bin_dir"] != cniBinDir || cri.Registry["config_path"] != "/registries" {
		t.Errorf("a drop-in must be merged with k0s' own settings of the CRI plugin:\n%s", text)
	}
	write("broken.toml", "version = ")
	if _, err := containerdConfigText("a", true, dropIns); err == nil || !strings.Contains(err.Error(), "broken.toml") {
		t.Errorf("a drop-in that is no TOML must be named: %v", err)
	}
}

// Kubelet's own thresholds where the disk has room, and none that the disk's other users could cross where it has not.
func TestDiskThresholds(t *testing.T) {
	eviction, imageGC := diskThresholds(0.21)
	if eviction["imagefs.available"] != "15%" || eviction["nodefs.available"] != "10%" || imageGC != nil {
		t.Errorf("a disk with room: %v, %v", eviction, imageGC)
	}
	eviction, imageGC = diskThresholds(0.14)
	if eviction["imagefs.available"] != "500Mi" || imageGC["imageGCHighThresholdPercent"] != 100 {
		t.Errorf("a disk that is nearly full: %v, %v", eviction, imageGC)
	}
	for _, free := range []float64{0.14, 0.21} {
		if eviction, _ := diskThresholds(free); eviction["memory.available"] != "100Mi" {
			t.Errorf("memory is no matter of the disk: %v", eviction)
		}
	}
	if free, err := freeDisk(t.TempDir()); err != nil || free <= 0 || free > 1 {
		t.Errorf("the free share of a disk: %f, %v", free, err)
	}
}

// Each start has an order of its own, as with k0s, and loses no argument.
func TestShuffled(t *testing.T) {
	orders := map[string]bool{}
	for range 50 {
		args := shuffled("a", "b", "c")
		orders[strings.Join(args, " ")] = true
		if slices.Sort(args); !slices.Equal(args, []string{"a", "b", "c"}) {
			t.Fatalf("arguments: %q", args)
		}
	}
	if len(orders) < 2 {
		t.Error("fifty starts have one order")
	}
}

// A question for the status is kept until the worker starts.
func TestStatusWaitsForTheWorker(t *testing.T) {
	vars := Vars{StatusSocketPath: filepath.Join(t.TempDir(), "status.sock")}
	started := make(chan struct{})
	asked := make(chan struct{})
	probe := func(context.Context) error {
		close(asked)
		return nil
	}
	if err := serveStatus(t.Context(), vars, Status{Role: "controller"}, started, probe); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := fetchStatus(vars.StatusSocketPath)
		answered <- err
	}()
	select {
	case <-asked:
		t.Error("the API server was asked before the worker started")
	case <-answered:
		t.Error("the status was answered before the worker started")
	case <-time.After(100 * time.Millisecond):
	}
	close(started)
	if err := <-answered; err != nil {
		t.Error(err)
	}
}

// As k0s' own tests of getEnv (pkg/supervisor) have it.
func TestComponentEnv(t *testing.T) {
	environ := []string{"GOGC=100", "PATH=/bin", "CONTAINERD_GOGC=50", "KUBE_APISERVER_GOGC=10", "KINE_PATH=/opt"}
	for component, want := range map[string][]string{
		"containerd":     {"_K0S_MANAGED=yes", "GOGC=50", "PATH=/x:/bin", "KUBE_APISERVER_GOGC=10", "KINE_PATH=/opt"},
		"kine":           {"_K0S_MANAGED=yes", "PATH=/x:/opt", "GOGC=100", "CONTAINERD_GOGC=50", "KUBE_APISERVER_GOGC=10"},
		"kube-apiserver": {"_K0S_MANAGED=yes", "GOGC=100", "PATH=/x:/bin", "CONTAINERD_GOGC=50", "KUBE_APISERVER_GOGC=10", "KINE_PATH=/opt"},
	} {
		if got := componentEnv(environ, component, "/x"); !slices.Equal(got, want) {
			t.Errorf("%s gets %q, want %q", component, got, want)
		}
	}
}

func TestWorkerProfile(t *testing.T) {
	config, err := parseConfig([]byte("spec: {workerProfiles: [{name: small, values: {maxPods: 30, evictionHard: {memory.available: 50Mi}}}]}"), "kine")
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{"maxPods": 110, "evictionHard": map[string]any{"memory.available": "100Mi", "nodefs.available": "1Gi"}}
	merge(values, config.Spec.WorkerProfiles[0].Values)
	eviction := values["evictionHard"].(map[string]any)
	if values["maxPods"] != float64(30) || eviction["memory.available"] != "50Mi" || eviction["nodefs.available"] != "1Gi" {
		t.Errorf("profile merged: %v", values)
	}
	config.Spec.WorkerProfiles[0].Values["clusterDNS"] = []any{"10.0.0.1"}
	if err := config.validate(); err == nil || !strings.Contains(err.Error(), "workerProfiles[0].values.clusterDNS: Forbidden") {
		t.Errorf("a reserved field: %v", err)
	}
}

func TestStackLabel(t *testing.T) {
	labelled, err := withStackLabel([]byte("kind: Service\nmetadata: {name: x, labels: {a: b}}"), "metricserver")
	if err != nil {
		t.Fatal(err)
	}
	var object struct {
		Metadata struct{ Labels map[string]string }
	}
	if err := yaml.Unmarshal(labelled, &object); err != nil || object.Metadata.Labels["k0s.k0sproject.io/stack"] != "metricserver" || object.Metadata.Labels["a"] != "b" {
		t.Errorf("labels: %v, %v", object.Metadata.Labels, err)
	}
}

func TestMemoryEnforced(t *testing.T) {
	file := filepath.Join(t.TempDir(), "host-size")
	for text, want := range map[string]bool{"cpus=1\nmemoryMiB=1536\n": false, "memoryMiB=1536\nhardCap=0\n": false, "hardCap=1\n": true} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if memoryEnforced(file) != want {
			t.Errorf("%q: want %t", text, want)
		}
	}
}

func TestShims(t *testing.T) {
	const socket = "/run/k0s/containerd.sock"
	own := strings.Join([]string{"/var/lib/k0s/bin/containerd-shim-runc-v2", "-namespace", "k8s.io", "-address", socket, ""}, "\x00")
	if !isShim(own, socket) || isShim(own, "/run/containerd/containerd.sock") || isShim("", socket) {
		t.Error("only a shim of the own containerd may be ended")
	}
}

func TestArgs(t *testing.T) {
	extra, others := parseArgs("--b=3  --node-ip=192.0.2.1 --c d")
	got := flags(map[string]string{"b": "1", "a": "2"}, extra, others)
	if want := []string{"--a=2", "--b=3", "--c=", "--node-ip=192.0.2.1", "d="}; !slices.Equal(got, want) {
		t.Errorf("flags: %q, want %q", got, want)
	}
}
