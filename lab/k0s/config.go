package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"

	"sigs.k8s.io/yaml"
)

// ClusterConfig is k0s.yaml. Its fields are those of the real k0s; the ones of
// type *unsupported are known, and so no typing error, but refused by name.
type ClusterConfig struct {
	APIVersion string          `json:"apiVersion,omitempty"`
	Kind       string          `json:"kind,omitempty"`
	Metadata   *map[string]any `json:"metadata,omitempty"`
	Spec       *ClusterSpec    `json:"spec,omitempty"`
}

type ClusterSpec struct {
	API               *APISpec        `json:"api,omitempty"`
	ControllerManager *ExtraArgsSpec  `json:"controllerManager,omitempty"`
	Scheduler         *ExtraArgsSpec  `json:"scheduler,omitempty"`
	Storage           *StorageSpec    `json:"storage,omitempty"`
	Network           *NetworkSpec    `json:"network,omitempty"`
	WorkerProfiles    []WorkerProfile `json:"workerProfiles,omitempty"`
	Telemetry         *Telemetry      `json:"telemetry,omitempty"`
	Install           *InstallSpec    `json:"installConfig,omitempty"`
	Images            *Images         `json:"images,omitempty"`
	Extensions        *unsupported    `json:"extensions,omitempty"`
	Konnectivity      *unsupported    `json:"konnectivity,omitempty"`
	FeatureGates      *unsupported    `json:"featureGates,omitempty"`
}

type APISpec struct {
	Address           string            `json:"address,omitempty"`
	OnlyBindToAddress bool              `json:"onlyBindToAddress,omitempty"`
	ExternalAddress   string            `json:"externalAddress,omitempty"`
	ExtraArgs         map[string]string `json:"extraArgs,omitempty"`
	RawArgs           []string          `json:"rawArgs,omitempty"`
	K0sAPIPort        int               `json:"k0sApiPort,omitempty"`
	Port              int               `json:"port,omitempty"`
	SANs              []string          `json:"sans,omitempty"`
	CA                *unsupported      `json:"ca,omitempty"`
}

type ExtraArgsSpec struct {
	ExtraArgs map[string]string `json:"extraArgs,omitempty"`
	RawArgs   []string          `json:"rawArgs,omitempty"`
}

type StorageSpec struct {
	Type string       `json:"type,omitempty"`
	Kine *KineConfig  `json:"kine,omitempty"`
	Etcd *unsupported `json:"etcd,omitempty"`
}

type KineConfig struct {
	DataSource string `json:"dataSource,omitempty"`
}

type NetworkSpec struct {
	PodCIDR                   string       `json:"podCIDR,omitempty"`
	ServiceCIDR               string       `json:"serviceCIDR,omitempty"`
	Provider                  string       `json:"provider,omitempty"`
	ClusterDomain             string       `json:"clusterDomain,omitempty"`
	PrimaryAddressFamily      *unsupported `json:"primaryAddressFamily,omitempty"`
	Calico                    *unsupported `json:"calico,omitempty"`
	DualStack                 *unsupported `json:"dualStack,omitempty"`
	KubeProxy                 *unsupported `json:"kubeProxy,omitempty"`
	KubeRouter                *unsupported `json:"kuberouter,omitempty"`
	CoreDNS                   *unsupported `json:"coreDNS,omitempty"`
	NodeLocalLoadBalancing    *unsupported `json:"nodeLocalLoadBalancing,omitempty"`
	ControlPlaneLoadBalancing *unsupported `json:"controlPlaneLoadBalancing,omitempty"`
}

// WorkerProfile changes the kubelet's configuration for nodes started with --profile=<name>.
type WorkerProfile struct {
	Name   string         `json:"name"`
	Values map[string]any `json:"values,omitempty"`
}

type Telemetry struct {
	Enabled *bool `json:"enabled,omitempty"`
}

type InstallSpec struct {
	Users *unsupported `json:"users,omitempty"`
}

type Image struct {
	Image   string `json:"image"`
	Version string `json:"version"`
}

// URI is what a pod's image field takes.
func (i Image) URI() string { return i.Image + ":" + i.Version }

type Images struct {
	MetricsServer     *Image           `json:"metricsserver,omitempty"`
	KubeProxy         *Image           `json:"kubeproxy,omitempty"`
	CoreDNS           *Image           `json:"coredns,omitempty"`
	Pause             *Image           `json:"pause,omitempty"`
	KubeRouter        *KubeRouterImage `json:"kuberouter,omitempty"`
	DefaultPullPolicy string           `json:"default_pull_policy,omitempty"`
	Konnectivity      *unsupported     `json:"konnectivity,omitempty"`
	PushGateway       *unsupported     `json:"pushgateway,omitempty"`
	Calico            *unsupported     `json:"calico,omitempty"`
	Windows           *unsupported     `json:"windows,omitempty"`
	Repository        *unsupported     `json:"repository,omitempty"`
}

type KubeRouterImage struct {
	CNI          *Image       `json:"cni,omitempty"`
	CNIInstaller *unsupported `json:"cniInstaller,omitempty"`
}

// unsupported is a field that the real k0s has and this double does not honour:
// silently ignoring it would let the lab pass where a real host differs.
type unsupported struct{}

var errUnsupported = errors.New("the lab's double of k0s does not support it; see lab/k0s/README.md")

func (*unsupported) UnmarshalJSON([]byte) error { return errUnsupported }

// defaultConfig is what stands where k0s.yaml is silent. The address is that of
// the first interface that is up, not loopback, and has an IPv4 one.
func defaultConfig(storage string) *ClusterConfig {
	disabled := false
	image := func(name, version string) *Image { return &Image{Image: name, Version: version} }
	return &ClusterConfig{
		APIVersion: "k0s.k0sproject.io/v1beta1",
		Kind:       "ClusterConfig",
		Metadata:   &map[string]any{"name": "k0s", "namespace": "kube-system"},
		Spec: &ClusterSpec{
			API:               &APISpec{Address: firstAddress(), Port: 6443, K0sAPIPort: 9443},
			ControllerManager: &ExtraArgsSpec{},
			Scheduler:         &ExtraArgsSpec{},
			Storage:           &StorageSpec{Type: storage},
			Network: &NetworkSpec{
				PodCIDR: "10.244.0.0/16", ServiceCIDR: "10.96.0.0/12",
				Provider: "kuberouter", ClusterDomain: "cluster.local",
			},
			Telemetry: &Telemetry{Enabled: &disabled},
			Install:   &InstallSpec{},
			Images: &Images{
				MetricsServer:     image("quay.io/k0sproject/metrics-server", "lab"),
				KubeProxy:         image("quay.io/k0sproject/kube-proxy", "lab"),
				CoreDNS:           image("quay.io/k0sproject/coredns", "lab"),
				Pause:             image("registry.k8s.io/pause", "3.10"),
				KubeRouter:        &KubeRouterImage{CNI: image("quay.io/k0sproject/cni-node", "lab")},
				DefaultPullPolicy: "IfNotPresent",
			},
		},
	}
}

func firstAddress() string {
	interfaces, err := net.Interfaces()
	if err != nil {
		return "127.0.0.1"
	}
	for _, i := range interfaces {
		// kube-bridge is there before k0s when a node starts again, and never is the node's address.
		if i.Flags&net.FlagLoopback != 0 || i.Flags&net.FlagUp == 0 || i.Name == bridgeName {
			continue
		}
		addresses, _ := i.Addrs()
		for _, a := range addresses {
			if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil {
				return ip.IP.String()
			}
		}
	}
	return "127.0.0.1"
}

// parseConfig reads k0s.yaml over the defaults, strictly: an unknown field is an error.
func parseConfig(data []byte, storage string) (*ClusterConfig, error) {
	config := defaultConfig(storage)
	asJSON, err := yaml.YAMLToJSONStrict(data)
	if err != nil {
		return nil, fmt.Errorf("error converting YAML to JSON: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(asJSON))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(config); err != nil {
		if errors.Is(err, errUnsupported) {
			return nil, fmt.Errorf("%s: %w", unsupportedField(asJSON), errUnsupported)
		}
		return nil, fmt.Errorf("error unmarshaling JSON: while decoding JSON: %w", err)
	}
	// A block that is there but empty (`spec: null`, `network: null`) means the defaults.
	fillDefaults(config, defaultConfig(storage))
	return config, nil
}

func fillDefaults(config, defaults *ClusterConfig) {
	if config.Spec == nil {
		config.Spec = defaults.Spec
	}
	s, d := config.Spec, defaults.Spec
	orDefault(&s.API, d.API)
	orDefault(&s.ControllerManager, d.ControllerManager)
	orDefault(&s.Scheduler, d.Scheduler)
	orDefault(&s.Storage, d.Storage)
	orDefault(&s.Network, d.Network)
	orDefault(&s.Telemetry, d.Telemetry)
	orDefault(&s.Images, d.Images)
	orDefault(&s.Images.MetricsServer, d.Images.MetricsServer)
	orDefault(&s.Images.KubeProxy, d.Images.KubeProxy)
	orDefault(&s.Images.CoreDNS, d.Images.CoreDNS)
	orDefault(&s.Images.Pause, d.Images.Pause)
	orDefault(&s.Images.KubeRouter, d.Images.KubeRouter)
	orDefault(&s.Images.KubeRouter.CNI, d.Images.KubeRouter.CNI)
}

func orDefault[T any](field **T, value *T) {
	if *field == nil {
		*field = value
	}
}

// unsupportedField names the first field of asJSON that ClusterConfig refuses.
func unsupportedField(asJSON []byte) string {
	var walk func(path string, data []byte) string
	walk = func(path string, data []byte) string {
		var object map[string]json.RawMessage
		if json.Unmarshal(data, &object) != nil {
			return ""
		}
		keys := make([]string, 0, len(object))
		for key := range object {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			child := path + "." + key
			// An empty object in its place tells whether it is the field itself, or one below it.
			if string(object[key]) != "null" && errors.Is(decodeAt(child, []byte("{}")), errUnsupported) {
				return child[1:]
			}
			if found := walk(child, object[key]); found != "" {
				return found
			}
		}
		return ""
	}
	return walk("", asJSON)
}

// decodeAt decodes a document that holds nothing but the value at path (".a.b").
func decodeAt(path string, value []byte) error {
	document := value
	for {
		dot := bytes.LastIndexByte([]byte(path), '.')
		if dot < 0 {
			break
		}
		document = fmt.Appendf(nil, "{%q:%s}", path[dot+1:], document)
		path = path[:dot]
	}
	return json.Unmarshal(document, defaultConfig("kine"))
}

// validate checks values as the real k0s does. A wrong, but well-formed, api.address passes.
func (c *ClusterConfig) validate() error {
	var errs []error
	invalid := func(path, value, why string) {
		errs = append(errs, fmt.Errorf("spec: %s: Invalid value: %q: %s", path, value, why))
	}
	api, network := c.Spec.API, c.Spec.Network
	if ip, err := netip.ParseAddr(api.Address); err != nil {
		invalid("api.address", api.Address, "invalid IP address")
	} else if ip.IsUnspecified() {
		invalid("api.address", api.Address, "invalid INADDR_ANY")
	}
	if _, err := netip.ParsePrefix(network.PodCIDR); err != nil {
		invalid("network.podCIDR", network.PodCIDR, "invalid CIDR address")
	}
	if _, err := netip.ParsePrefix(network.ServiceCIDR); err != nil {
		invalid("network.serviceCIDR", network.ServiceCIDR, "invalid CIDR address")
	}
	if !slices.Contains([]string{"kuberouter", "calico", "custom"}, network.Provider) {
		errs = append(errs, fmt.Errorf("spec: network.provider: Unsupported value: %q: supported values: \"kuberouter\", \"calico\", \"custom\"", network.Provider))
	}
	if !slices.Contains([]string{"etcd", "kine"}, c.Spec.Storage.Type) {
		errs = append(errs, fmt.Errorf("spec: storage.type: Unsupported value: %q: supported values: \"etcd\", \"kine\"", c.Spec.Storage.Type))
	}
	for i, profile := range c.Spec.WorkerProfiles {
		for _, reserved := range []string{"clusterDNS", "clusterDomain", "staticPodURL"} {
			if _, given := profile.Values[reserved]; given {
				errs = append(errs, fmt.Errorf("spec: workerProfiles[%d].values.%s: Forbidden: may not be used in k0s worker profiles", i, reserved))
			}
		}
	}
	if !slices.Contains([]string{"Always", "IfNotPresent", "Never"}, c.Spec.Images.DefaultPullPolicy) {
		invalid("images.default_pull_policy", c.Spec.Images.DefaultPullPolicy, "want Always, IfNotPresent or Never")
	}
	return errors.Join(errs...)
}

// buildable refuses what the real k0s accepts and this double cannot assemble.
func (c *ClusterConfig) buildable() error {
	if c.Spec.Storage.Type == "etcd" {
		return errors.New("spec.storage.type etcd: the lab's double of k0s has kine on SQLite only, which is the default with --single; leave out spec.storage")
	}
	if c.Spec.Storage.Kine != nil && c.Spec.Storage.Kine.DataSource != "" {
		return errors.New("spec.storage.kine.dataSource: the lab's double of k0s keeps its data in <data-dir>/db/state.db; leave out spec.storage")
	}
	if c.Spec.Network.Provider == "calico" {
		return errors.New("spec.network.provider calico: the lab's double of k0s has a stand-in for kuberouter only")
	}
	return nil
}

// nodeConfig loads the configuration that a command was given; a missing file
// at the default path means the defaults.
func (v Vars) nodeConfig() (*ClusterConfig, error) {
	data, err := os.ReadFile(v.StartupConfigPath)
	if errors.Is(err, fs.ErrNotExist) && v.StartupConfigPath == defaultConfigPath {
		return parseConfig(nil, v.DefaultStorageType)
	}
	if err != nil {
		return nil, err
	}
	return parseConfig(data, v.DefaultStorageType)
}

// url is the API server's as others reach it.
func (a *APISpec) url() string {
	if a.ExternalAddress != "" {
		if _, _, err := net.SplitHostPort(a.ExternalAddress); err == nil {
			return "https://" + a.ExternalAddress
		}
		return "https://" + net.JoinHostPort(a.ExternalAddress, strconv.Itoa(a.Port))
	}
	return "https://" + net.JoinHostPort(a.Address, strconv.Itoa(a.Port))
}

// localURL is the API server's as the components on this host reach it.
func (a *APISpec) localURL() string {
	if a.OnlyBindToAddress {
		return "https://" + net.JoinHostPort(a.Address, strconv.Itoa(a.Port))
	}
	return fmt.Sprintf("https://localhost:%d", a.Port)
}

// serviceAddress is the n-th address of the service network: 1 is the API's, 10 the cluster DNS'.
func (n *NetworkSpec) serviceAddress(i int) (netip.Addr, error) {
	prefix, err := netip.ParsePrefix(n.ServiceCIDR)
	if err != nil {
		return netip.Addr{}, err
	}
	address := prefix.Masked().Addr()
	for range i {
		address = address.Next()
	}
	return address, nil
}
