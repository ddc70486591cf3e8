package main

import (
	"path/filepath"

	"github.com/spf13/cobra"
)

const (
	defaultConfigPath = "/etc/k0s/k0s.yaml"
	containerdConfig  = "/etc/k0s/containerd.toml"
	containerdImports = "/etc/k0s/containerd.d"
	cniBinDir         = "/opt/cni/bin"
	cniConfDir        = "/etc/cni/net.d"
	controllerService = "k0scontroller"
	workerService     = "k0sworker"
)

// unitDir is where install writes the systemd unit; a variable for tests.
var unitDir = "/etc/systemd/system"

func unitPath(service string) string { return filepath.Join(unitDir, service+".service") }

// Vars are the paths of one k0s, under the names that `k0s status` of the real one gives them.
type Vars struct {
	AdminKubeConfigPath   string
	BinDir                string
	CertRootDir           string
	DataDir               string
	KubeletRootDir        string
	KineSocketPath        string
	KubeletAuthConfigPath string
	ManifestsDir          string
	RunDir                string
	OCIBundleDir          string
	DefaultStorageType    string
	RuntimeConfigPath     string
	StatusSocketPath      string
	StartupConfigPath     string
}

// addPersistentFlags gives a command the flags that locate a k0s.
func addPersistentFlags(cmd *cobra.Command) {
	cmd.Flags().String("data-dir", "/var/lib/k0s", "Data Directory for k0s. DO NOT CHANGE for an existing setup, things will break!")
	cmd.Flags().String("status-socket", "", "Full file path to the socket file. (default: <rundir>/status.sock)")
}

// newVars reads the paths from a command's flags, as far as it has them. Where
// a running k0s' own paths are to win, runtimeVars follows.
func newVars(cmd *cobra.Command) Vars {
	get := func(flag, fallback string) string {
		if value, err := cmd.Flags().GetString(flag); err == nil && value != "" {
			return value
		}
		return fallback
	}
	data := get("data-dir", "/var/lib/k0s")
	if abs, err := filepath.Abs(data); err == nil {
		data = abs
	}
	const run = "/run/k0s"
	pki := filepath.Join(data, "pki")
	return Vars{
		AdminKubeConfigPath:   filepath.Join(pki, "admin.conf"),
		BinDir:                filepath.Join(data, "bin"),
		CertRootDir:           pki,
		DataDir:               data,
		KubeletRootDir:        get("kubelet-root-dir", filepath.Join(data, "kubelet")),
		KineSocketPath:        filepath.Join(run, "kine", "kine.sock"),
		KubeletAuthConfigPath: filepath.Join(data, "kubelet.conf"),
		ManifestsDir:          filepath.Join(data, "manifests"),
		RunDir:                run,
		OCIBundleDir:          filepath.Join(data, "images"),
		DefaultStorageType:    defaultStorage(cmd),
		RuntimeConfigPath:     filepath.Join(run, "k0s.yaml"),
		StatusSocketPath:      get("status-socket", filepath.Join(run, "status.sock")),
		StartupConfigPath:     get("config", defaultConfigPath),
	}
}

func (v Vars) containerdSocket() string { return filepath.Join(v.RunDir, "containerd.sock") }
func (v Vars) pki(name string) string   { return filepath.Join(v.CertRootDir, name) }
func (v Vars) bin(name string) string   { return filepath.Join(v.BinDir, name) }

// defaultStorage is what a configuration without a storage block means: kine for a single node, etcd for every other
// controller (NewCfgVars in pkg/config/cfgvars.go). Commands that have no such flag find the running k0s' own.
func defaultStorage(cmd *cobra.Command) string {
	if cmd.Flags().Lookup("enable-worker") == nil {
		return "kine"
	}
	if single, err := cmd.Flags().GetBool("single"); err == nil && single {
		return "kine"
	}
	return "etcd"
}
