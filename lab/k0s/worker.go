package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
	"sigs.k8s.io/yaml"
)

const (
	hostSizeFile     = "/etc/lab/host-size"
	bridgeName       = "kube-bridge"
	volumePluginDir  = "/usr/libexec/k0s/kubelet-plugins/volume/exec"
	bundleSettleTime = 2 * time.Second
)

// workerOptions are the flags of a worker, and of a controller that is one too.
type workerOptions struct {
	disabled    []string
	single      bool // a controller alone, with --single
	kubeletArgs string
	profile     string
	labels      map[string]string
	taints      []string
	// joined tells a worker from the controller's own.
	joined *joinedCluster
}

func readWorkerOptions(cmd *cobra.Command) (opts workerOptions) {
	flags := cmd.Flags()
	opts.kubeletArgs, _ = flags.GetString("kubelet-extra-args")
	opts.profile, _ = flags.GetString("profile")
	opts.labels, _ = flags.GetStringToString("labels")
	opts.taints, _ = flags.GetStringSlice("taints")
	return opts
}

// nodeName is kubelet's --hostname-override, else the host's name in lower case (GetNodeName in cmd/worker of k0s).
func (opts workerOptions) nodeName() (string, error) {
	extra, _ := parseArgs(opts.kubeletArgs)
	if name := extra["hostname-override"]; name != "" {
		return strings.ToLower(name), nil
	}
	hostname, err := os.Hostname()
	return strings.ToLower(hostname), err
}

// runWorker starts containerd and the kubelet, in this order and with the
// bundled images in between, so that no pod looks for an image that is on its way.
func runWorker(ctx context.Context, n *node, hostname string, opts workerOptions) error {
	vars := n.vars
	setupKernel()
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return stage(vars, append([]string{"kubelet", "kubectl"}, cniPlugins...)...)
	})
	group.Go(func() error {
		if err := stage(vars, "containerd", "containerd-shim-runc-v2", "ctr", "runc"); err != nil {
			return err
		}
		return n.startContainerd(groupCtx)
	})
	if err := group.Wait(); err != nil {
		return err
	}
	bundles := newBundles(vars)
	if err := bundles.watch(ctx); err != nil {
		return err
	}
	bundles.importAll(ctx)
	if err := n.watchDropIns(ctx); err != nil {
		return err
	}
	if err := n.startKubelet(hostname, opts); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

// setupKernel loads what pods' networks need. A module may be built in, or the
// host not allowed to load any: what is missing then shows where it is needed.
func setupKernel() {
	for _, module := range []string{"overlay", "nf_conntrack", "br_netfilter"} {
		if out, err := exec.Command("modprobe", module).CombinedOutput(); err != nil {
			slog.Debug("cannot load a kernel module", "module", module, "error", err, "output", string(out))
		}
	}
	for _, sysctl := range []string{"ipv4/ip_forward", "ipv4/conf/all/forwarding", "bridge/bridge-nf-call-iptables"} {
		if err := os.WriteFile("/proc/sys/net/"+sysctl, []byte("1"), 0); err != nil {
			slog.Warn("cannot set a kernel parameter", "parameter", "net/"+sysctl, "error", err)
		}
	}
}

func (n *node) startKubelet(hostname string, opts workerOptions) error {
	vars := n.vars
	runDir := filepath.Join(vars.RunDir, "kubelet")
	for _, dir := range []string{runDir, vars.KubeletRootDir, volumePluginDir} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	config, err := n.kubeletConfig(opts)
	if err != nil {
		return err
	}
	data, err := yaml.Marshal(config)
	if err != nil {
		return err
	}
	configPath := filepath.Join(runDir, "config.yaml")
	if err := writeFile(configPath, data, 0o600, 0); err != nil {
		return err
	}
	labels := map[string]string{}
	if opts.joined == nil {
		labels["node.k0sproject.io/role"] = "control-plane"
	}
	maps.Copy(labels, opts.labels)
	args := map[string]string{
		"cert-dir":   filepath.Join(vars.KubeletRootDir, "pki"),
		"config":     configPath,
		"kubeconfig": vars.KubeletAuthConfigPath,
		"root-dir":   vars.KubeletRootDir,
		"v":          "1",
	}
	if len(labels) > 0 {
		args["node-labels"] = joinLabels(labels)
	}
	extra, others := parseArgs(opts.kubeletArgs)
	extra["hostname-override"] = hostname
	return n.run("kubelet", 0, flags(args, extra, others))
}

// kubeletConfig is k0s' default worker profile, changed by the named one of k0s.yaml.
func (n *node) kubeletConfig(opts workerOptions) (map[string]any, error) {
	profile := opts.profile
	vars, spec := n.vars, n.config.Spec
	dns, err := spec.Network.serviceAddress(10)
	if err != nil {
		return nil, err
	}
	free, err := freeDisk(vars.DataDir)
	if err != nil {
		return nil, err
	}
	eviction, imageGC := diskThresholds(free)
	config := map[string]any{
		"apiVersion":               "kubelet.config.k8s.io/v1beta1",
		"kind":                     "KubeletConfiguration",
		"evictionHard":             eviction,
		"cgroupDriver":             "cgroupfs",
		"clusterDNS":               []string{dns.String()},
		"clusterDomain":            spec.Network.ClusterDomain,
		"containerRuntimeEndpoint": "unix://" + vars.containerdSocket(),
		"eventRecordQPS":           0,
		"failCgroupV1":             false,
		"failSwapOn":               false,
		"tlsMinVersion":            "VersionTLS12",
		"volumePluginDir":          volumePluginDir,
	}
	if err := n.addCredentials(config, opts); err != nil {
		return nil, err
	}
	maps.Copy(config, imageGC)
	file := resolvConf()
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		file = "" // a kubelet pointed at a missing file starts no pod
	}
	config["resolvConf"] = file
	reserved, err := systemReserved(hostSizeFile)
	if err != nil {
		return nil, err
	}
	if reserved != nil {
		config["systemReserved"] = reserved
		// What is reserved belongs to the outer machine; there is no cgroup here to hold it to.
		config["enforceNodeAllocatable"] = []string{"none"}
		// Unless it is enforced, the declared memory is a number and no limit: nobody shall be evicted over it. 0% means
		// no threshold. Pods are not offered what it keeps free, and are not here.
		if !memoryEnforced(hostSizeFile) {
			config["kubeReserved"] = map[string]any{"memory": eviction["memory.available"]}
			eviction["memory.available"] = "0%"
		}
	}
	for _, p := range spec.WorkerProfiles {
		if p.Name == profile {
			merge(config, p.Values)
			return config, nil
		}
	}
	// k0s has this one always; of the same name in k0s.yaml, it changes it.
	if profile == "default" {
		return config, nil
	}
	return nil, fmt.Errorf("worker profile %q is not in spec.workerProfiles of k0s.yaml", profile)
}

// addCredentials tells the kubelet whom it trusts, and by which certificate others know it: the double makes that of the
// controller's kubelet, and a worker asks the cluster for one, as every kubelet of k0s does.
func (n *node) addCredentials(config map[string]any, opts workerOptions) error {
	caFile := n.vars.pki("ca.crt")
	if opts.joined == nil {
		config["tlsCertFile"], config["tlsPrivateKeyFile"] = n.vars.pki("kubelet.crt"), n.vars.pki("kubelet.key")
	} else {
		caFile = filepath.Join(n.vars.RunDir, "kubelet", "ca.crt")
		if err := writeFile(caFile, opts.joined.ca, 0o644, 0); err != nil {
			return err
		}
		config["rotateCertificates"], config["serverTLSBootstrap"] = true, true
	}
	config["authentication"] = map[string]any{"x509": map[string]any{"clientCAFile": caFile}}
	taints, err := parseTaints(opts.taints)
	if len(taints) > 0 {
		config["registerWithTaints"] = taints
	}
	return err
}

// parseTaints reads key=value:effect, as k0s does (parseTaint in pkg/component/worker/kubelet.go).
func parseTaints(texts []string) (taints []map[string]string, _ error) {
	for _, text := range texts {
		pair, effect, found := strings.Cut(text, ":")
		if !found || !slices.Contains([]string{"NoSchedule", "PreferNoSchedule", "NoExecute"}, effect) {
			return nil, fmt.Errorf("can't parse taints for profile config map: invalid taint effect: %s, unsupported taint effect", effect)
		}
		key, value, _ := strings.Cut(pair, "=")
		taints = append(taints, map[string]string{"key": key, "value": value, "effect": effect})
	}
	return taints, nil
}

// roomyDisk is the share of a disk that must be free for kubelet's own thresholds: they remove images and evict pods below
// 15 %, and a lab host sees the disk of the machine around it, which others fill.
const roomyDisk = 0.20

// diskThresholds are kubelet's defaults where the disk has room for them (pkg/kubelet/apis/config/v1beta1/defaults_linux.go:
// nothing set for images, whose defaults are 85 and 80 %), and else absolute ones, without removal of images.
func diskThresholds(free float64) (eviction, imageGC map[string]any) {
	if free > roomyDisk {
		return map[string]any{
			"memory.available": "100Mi", "nodefs.available": "10%", "nodefs.inodesFree": "5%",
			"imagefs.available": "15%", "imagefs.inodesFree": "5%",
		}, nil
	}
	slog.Warn("the disk is too full for kubelet's own thresholds; absolute ones are set", "free", free)
	return map[string]any{
			"memory.available": "100Mi", "nodefs.available": "500Mi", "imagefs.available": "500Mi", "nodefs.inodesFree": "10000",
		}, map[string]any{
			"imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99,
		}
}

// freeDisk is the share of the disk under a directory that is free, as the kubelet counts it.
func freeDisk(dir string) (float64, error) {
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err != nil {
		return 0, fmt.Errorf("%s: %w", dir, err)
	}
	return float64(disk.Bavail) / float64(disk.Blocks), nil
}

// merge puts values over those of config, mappings key by key.
func merge(config, values map[string]any) {
	for key, value := range values {
		below, isMap := value.(map[string]any)
		current, wasMap := config[key].(map[string]any)
		if isMap && wasMap {
			merge(current, below)
			continue
		}
		config[key] = value
	}
}

// systemReserved makes the node as small as the lab says: what the kubelet sees
// above the declared size (nothing, where the host shows itself that small) is
// reserved, so that allocatable is that size. nil when none is declared.
func systemReserved(sizeFile string) (map[string]string, error) {
	declared, err := readNumbers(sizeFile, "=", "cpus", "memoryMiB")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	memory, err := readNumbers("/proc/meminfo", ":", "MemTotal")
	if err != nil {
		return nil, err
	}
	cpus, err := countCPUs()
	if err != nil {
		return nil, err
	}
	milliCPU := int64(float64(cpus)*1000 - declared["cpus"]*1000)
	bytes := int64(memory["MemTotal"])<<10 - int64(declared["memoryMiB"])<<20
	return map[string]string{
		"cpu":    strconv.FormatInt(max(0, milliCPU), 10) + "m",
		"memory": strconv.FormatInt(max(0, bytes), 10),
	}, nil
}

// memoryEnforced tells whether the host is held to its declared memory.
func memoryEnforced(sizeFile string) bool {
	numbers, err := readNumbers(sizeFile, "=", "hardCap")
	return err == nil && numbers["hardCap"] == 1
}

// readNumbers reads the numbers after the given keys; a unit behind a number is ignored.
func readNumbers(path, separator string, keys ...string) (map[string]float64, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	numbers := map[string]float64{}
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(line, separator)
		if fields := strings.Fields(value); slices.Contains(keys, key) && len(fields) > 0 {
			if numbers[key], err = strconv.ParseFloat(fields[0], 64); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", path, key, err)
			}
		}
	}
	for _, key := range keys {
		if _, found := numbers[key]; !found {
			return nil, fmt.Errorf("%s has no line for %s", path, key)
		}
	}
	return numbers, nil
}

// countCPUs counts as the kubelet does, not only those that this process may use.
func countCPUs() (int, error) {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return 0, err
	}
	defer file.Close()
	count := 0
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		if strings.HasPrefix(scanner.Text(), "processor") {
			count++
		}
	}
	return count, nil
}

func joinLabels(labels map[string]string) string {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, key+"="+labels[key])
	}
	return strings.Join(pairs, ",")
}

// parseArgs splits "--a=b --c" into names and values, as Split in k0s' internal/pkg/flags does: a flag without a value
// gets an empty one, and what has not two dashes is no flag. The kubelet refuses both, so it is handed on.
func parseArgs(line string) (args map[string]string, others []string) {
	args = map[string]string{}
	for _, field := range strings.Fields(line) {
		name, value, _ := strings.Cut(field, "=")
		if flag, isFlag := strings.CutPrefix(name, "--"); isFlag {
			args[flag] = value
		} else {
			others = append(others, name+"="+value)
		}
	}
	return args, others
}

// bundles imports the archives in the images directory into containerd: those
// that are there at the start, and later each that is added or changed.
type bundles struct {
	vars     Vars
	mutex    sync.Mutex           // one import at a time
	imported map[string]time.Time // modification times by path
}

func newBundles(vars Vars) *bundles {
	return &bundles{vars: vars, imported: map[string]time.Time{}}
}

// importAll imports what is new. A bundle that fails is logged and does not keep the others from being imported.
func (b *bundles) importAll(ctx context.Context) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	entries, err := os.ReadDir(b.vars.OCIBundleDir)
	if err != nil {
		slog.Error("cannot read the images directory", "error", err)
		return
	}
	for _, entry := range entries {
		path := filepath.Join(b.vars.OCIBundleDir, entry.Name())
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() || strings.HasPrefix(entry.Name(), ".") || info.ModTime().Equal(b.imported[path]) {
			continue
		}
		start := time.Now()
		// Like k0s, which leaves it to containerd to unpack an image when a container first needs it.
		out, err := b.vars.ctr(ctx, "images", "import", "--local", "--no-unpack", path).CombinedOutput()
		if err == nil {
			out, err = b.pinAll(ctx)
		}
		if err != nil {
			slog.Error("cannot import an image bundle", "bundle", path, "error", err, "output", strings.TrimSpace(string(out)))
			continue
		}
		b.imported[path] = info.ModTime()
		slog.Info("imported an image bundle", "bundle", path, "bytes", info.Size(), "seconds", time.Since(start).Seconds())
	}
}

// pinAll keeps the kubelet from removing the images that were imported, one by one as k0s does it.
func (b *bundles) pinAll(ctx context.Context) ([]byte, error) {
	names, err := b.vars.ctr(ctx, "images", "list", "--quiet").Output()
	if err != nil {
		return nil, err
	}
	for name := range strings.FieldsSeq(string(names)) {
		// Of its other names, the CRI plugin takes care.
		if strings.HasPrefix(name, "sha256:") || strings.Contains(name, "@") {
			continue
		}
		if out, err := b.vars.ctr(ctx, "images", "label", name, "io.cri-containerd.pinned=pinned").CombinedOutput(); err != nil {
			return out, err
		}
	}
	return nil, nil
}

// watch imports again when the directory has been quiet for a while after a change.
func (b *bundles) watch(ctx context.Context) error {
	if err := os.MkdirAll(b.vars.OCIBundleDir, 0o755); err != nil {
		return err
	}
	isChange := func(fsnotify.Event) bool { return true }
	return whenQuiet(ctx, b.vars.OCIBundleDir, bundleSettleTime, isChange, func() { b.importAll(ctx) })
}
