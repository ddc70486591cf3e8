package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"knative-edge.lab/weight"
)

// components that --disable-components takes. Those that the double does not have are as good as disabled.
var components = []string{
	"applier-manager", "autopilot", "control-api", "coredns", "csr-approver", "endpoint-reconciler", "helm",
	"konnectivity-server", "kube-controller-manager", "kube-proxy", "kube-scheduler", "metrics-server",
	"network-provider", "node-role", "system-rbac", "update-prober", "windows-node", "worker-config",
}

func addControllerFlags(cmd *cobra.Command) {
	addPersistentFlags(cmd)
	flags := cmd.Flags()
	flags.StringP("config", "c", "", "config file, use '-' to read the config from stdin (default \""+defaultConfigPath+"\")")
	flags.Bool("single", false, "enable single node (implies --enable-worker, default false)")
	flags.Bool("enable-worker", false, "enable worker (default false)")
	flags.Bool("no-taints", false, "disable default taints for controller node")
	flags.StringSlice("disable-components", nil, "disable components (valid items: "+strings.Join(components, ",")+")")
	addWorkerFlags(cmd)
}

// addWorkerFlags adds those that a worker and a controller with a worker share.
func addWorkerFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.String("kubelet-root-dir", "", "Kubelet root directory for k0s")
	flags.String("kubelet-extra-args", "", "extra args for kubelet")
	flags.String("profile", "default", "worker profile to use on the node")
	flags.StringToString("labels", nil, "Node labels, list of key=value pairs")
	flags.StringSlice("taints", nil, "Node taints, list of key=value:effect strings")
	flags.String("token-file", "", "Path to the file containing join-token.")
}

// checkController refuses what k0s knows and the double cannot run.
func checkController(cmd *cobra.Command) error {
	flags := cmd.Flags()
	disabled, err := flags.GetStringSlice("disable-components")
	if err != nil {
		return err
	}
	for _, component := range disabled {
		if !slices.Contains(components, component) {
			return fmt.Errorf("unknown component %s", component)
		}
	}
	single, _ := flags.GetBool("single")
	enabled, _ := flags.GetBool("enable-worker")
	untainted, _ := flags.GetBool("no-taints")
	if file, _ := flags.GetString("token-file"); file != "" {
		return errors.New("the lab's double of k0s joins no controllers: leave out --token-file")
	}
	if single {
		return nil
	}
	if !enabled || !untainted {
		return errors.New("the lab's double of k0s always runs pods on the controller: give --single, or --enable-worker and --no-taints")
	}
	if !slices.Contains(disabled, "konnectivity-server") {
		return errors.New("the lab's double of k0s has no konnectivity: give --disable-components=konnectivity-server, or --single")
	}
	return nil
}

func controllerCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "controller",
		Short:   "Run controller",
		Aliases: []string{"server"},
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if os.Geteuid() != 0 {
				return errNotRoot
			}
			if err := checkController(cmd); err != nil {
				return err
			}
			vars := newVars(cmd)
			config, err := vars.nodeConfig()
			if err != nil {
				return fmt.Errorf("failed to load node config: %w", err)
			}
			if err := errors.Join(config.validate(), config.buildable()); err != nil {
				return fmt.Errorf("invalid node config: %w", err)
			}
			opts := readWorkerOptions(cmd)
			opts.disabled, _ = cmd.Flags().GetStringSlice("disable-components")
			opts.single, _ = cmd.Flags().GetBool("single")
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return runController(ctx, vars, config, opts)
		},
	}
	addControllerFlags(cmd)
	return cmd
}

// node is a running k0s: its components in the order in which they started.
type node struct {
	vars   Vars
	config *ClusterConfig

	mutex   sync.Mutex
	running []*supervised
}

func (n *node) run(name string, uid int, args []string) error {
	s := &supervised{name: name, path: n.vars.bin(name), args: args, uid: uid, vars: n.vars}
	if err := s.start(); err != nil {
		return err
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.running = append(n.running, s)
	return nil
}

// stop ends the components, the last started first.
func (n *node) stop() {
	for _, s := range slices.Backward(n.running) {
		s.stop()
	}
}

// runController is the daemon: it assembles the node and stays until ctx ends.
// Like k0s (cmd/controller/controller.go of v1.34.10) it starts one part after the other: the API server, the other
// controllers and k0s' own workloads, and then the worker.
func runController(ctx context.Context, vars Vars, config *ClusterConfig, opts workerOptions) error {
	hostname, err := opts.nodeName()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(vars.DataDir, 0o755); err != nil {
		return err
	}
	release, err := lockRuntime(vars, config)
	if err != nil {
		return err
	}
	defer release()
	slog.Info("starting k0s", "version", version, "node", hostname)
	if err := weight.Carry(weight.K0s); err != nil {
		return err
	}
	if err := ensurePKI(vars, config, hostname); err != nil {
		return fmt.Errorf("failed to make the certificates: %w", err)
	}
	n := &node{vars: vars, config: config}
	defer n.stop()
	if err := stage(vars, "kine", "kube-apiserver"); err != nil {
		return err
	}
	if err := n.startAPIServer(); err != nil {
		return err
	}
	api, err := newAPIClient(vars, config)
	if err != nil {
		return err
	}
	started := make(chan struct{})
	group, ctx := errgroup.WithContext(ctx)
	if !slices.Contains(opts.disabled, "kube-proxy") {
		wait, err := refuseServicesUntilSynced(ctx, config.Spec.Network.ServiceCIDR)
		if err != nil {
			return err
		}
		group.Go(wait)
	}
	group.Go(func() error {
		if err := retry(ctx, 100*time.Millisecond, api.ready); err != nil {
			return err
		}
		slog.Info("the API server is ready")
		status := Status{Role: "controller", SingleNode: opts.single, ClusterConfig: config}
		if err := serveStatus(ctx, vars, status, started, api.ready); err != nil {
			return err
		}
		if err := n.startControllers(opts.disabled); err != nil {
			return err
		}
		// The controller manager signs the kubelet's certificate, without which a k0s has no worker. Here the kubelet has
		// one already, and what is left is the wait.
		if !slices.Contains(opts.disabled, "kube-controller-manager") {
			if err := retry(ctx, time.Second, controllerManagerReady); err != nil {
				return err
			}
		}
		close(started)
		if !slices.Contains(opts.disabled, "csr-approver") {
			group.Go(func() error { return approveServingCertificates(ctx, api) })
		}
		return deployStack(ctx, api, vars, config, opts.disabled, hostname)
	})
	group.Go(func() error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-started:
			return runWorker(ctx, n, hostname, opts)
		}
	})
	err = group.Wait()
	if errors.Is(err, context.Canceled) {
		slog.Info("stopping k0s")
		return nil
	}
	return err
}

// controllerManagerReady asks the controller manager's own health check, which needs no log-in.
func controllerManagerReady(ctx context.Context) error {
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://127.0.0.1:10257/healthz", nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the controller manager is not healthy: %s", response.Status)
	}
	return nil
}

func (n *node) startAPIServer() error {
	vars, spec := n.vars, n.config.Spec
	uid := userID("kube-apiserver")
	socketDir, dbDir := filepath.Dir(vars.KineSocketPath), filepath.Join(vars.DataDir, "db")
	for _, dir := range []string{socketDir, dbDir} {
		if err := errors.Join(os.MkdirAll(dir, 0o750), os.Chown(dir, uid, -1)); err != nil {
			return err
		}
	}
	socket := "unix://" + vars.KineSocketPath
	err := n.run("kine", uid, []string{
		"--endpoint=sqlite://" + filepath.Join(dbDir, "state.db") + "?_journal=WAL&cache=shared&_busy_timeout=30000",
		"--listen-address=" + socket,
		"--metrics-bind-address=0",
	})
	if err != nil {
		return err
	}
	args := map[string]string{
		"advertise-address":                  spec.API.Address,
		"allow-privileged":                   "true",
		"anonymous-auth":                     "false",
		"api-audiences":                      "https://kubernetes.default.svc",
		"authorization-mode":                 "Node,RBAC",
		"client-ca-file":                     vars.pki("ca.crt"),
		"enable-admission-plugins":           "NodeRestriction",
		"enable-bootstrap-token-auth":        "true",
		"etcd-servers":                       socket,
		"kubelet-certificate-authority":      vars.pki("ca.crt"),
		"kubelet-client-certificate":         vars.pki("apiserver-kubelet-client.crt"),
		"kubelet-client-key":                 vars.pki("apiserver-kubelet-client.key"),
		"kubelet-preferred-address-types":    "InternalIP,ExternalIP,Hostname",
		"profiling":                          "false",
		"proxy-client-cert-file":             vars.pki("front-proxy-client.crt"),
		"proxy-client-key-file":              vars.pki("front-proxy-client.key"),
		"requestheader-allowed-names":        "front-proxy-client",
		"requestheader-client-ca-file":       vars.pki("front-proxy-ca.crt"),
		"requestheader-extra-headers-prefix": "X-Remote-Extra-",
		"requestheader-group-headers":        "X-Remote-Group",
		"requestheader-username-headers":     "X-Remote-User",
		"secure-port":                        fmt.Sprint(spec.API.Port),
		"service-account-issuer":             "https://kubernetes.default.svc",
		"service-account-jwks-uri":           "https://kubernetes.default.svc/openid/v1/jwks",
		"service-account-key-file":           vars.pki("sa.pub"),
		"service-account-signing-key-file":   vars.pki("sa.key"),
		"service-cluster-ip-range":           spec.Network.ServiceCIDR,
		// Kubernetes keeps a watch open for minutes: without a limit a stop takes the whole of its time.
		"shutdown-watch-termination-grace-period": "3s",
		"tls-cert-file":        vars.pki("server.crt"),
		"tls-min-version":      "VersionTLS12",
		"tls-private-key-file": vars.pki("server.key"),
		"v":                    "1",
	}
	if spec.API.OnlyBindToAddress {
		args["bind-address"] = spec.API.Address
	}
	return n.run("kube-apiserver", uid, flags(args, spec.API.ExtraArgs, spec.API.RawArgs))
}

// startControllers starts the scheduler and the controller manager, without leader election: there is one of each.
func (n *node) startControllers(disabled []string) error {
	vars, spec := n.vars, n.config.Spec
	if !slices.Contains(disabled, "kube-controller-manager") {
		if err := stage(vars, "kube-controller-manager"); err != nil {
			return err
		}
		conf := vars.pki("ccm.conf")
		args := map[string]string{
			"allocate-node-cidrs":       "true",
			"authentication-kubeconfig": conf,
			"authorization-kubeconfig":  conf,
			"bind-address":              "127.0.0.1",
			"client-ca-file":            vars.pki("ca.crt"),
			"cluster-cidr":              spec.Network.PodCIDR,
			"cluster-name":              "k0s",
			"cluster-signing-cert-file": vars.pki("ca.crt"),
			"cluster-signing-key-file":  vars.pki("ca.key"),
			"controllers":               "*,bootstrapsigner,tokencleaner",
			// One token per controller is fetched before any of them works: at the default of 20 a second that takes 5 s.
			"kube-api-burst":                   "200",
			"kube-api-qps":                     "100",
			"kubeconfig":                       conf,
			"leader-elect":                     "false",
			"node-cidr-mask-size":              "24",
			"profiling":                        "false",
			"requestheader-client-ca-file":     vars.pki("front-proxy-ca.crt"),
			"root-ca-file":                     vars.pki("ca.crt"),
			"service-account-private-key-file": vars.pki("sa.key"),
			"service-cluster-ip-range":         spec.Network.ServiceCIDR,
			"terminated-pod-gc-threshold":      "12500",
			"use-service-account-credentials":  "true",
			"v":                                "1",
		}
		err := n.run("kube-controller-manager", userID("kube-apiserver"), flags(args, spec.ControllerManager.ExtraArgs, spec.ControllerManager.RawArgs))
		if err != nil {
			return err
		}
	}
	if slices.Contains(disabled, "kube-scheduler") {
		return nil
	}
	if err := stage(vars, "kube-scheduler"); err != nil {
		return err
	}
	conf := vars.pki("scheduler.conf")
	args := map[string]string{
		"authentication-kubeconfig": conf,
		"authorization-kubeconfig":  conf,
		"bind-address":              "127.0.0.1",
		"kubeconfig":                conf,
		"leader-elect":              "false",
		"profiling":                 "false",
		"v":                         "1",
	}
	return n.run("kube-scheduler", userID("kube-scheduler"), flags(args, spec.Scheduler.ExtraArgs, spec.Scheduler.RawArgs))
}

// flags are args, overridden by extra, as sorted command-line flags, and then raw as it is.
func flags(args, extra map[string]string, raw []string) []string {
	maps.Copy(args, extra)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(args)) {
		out = append(out, "--"+name+"="+args[name])
	}
	return append(out, raw...)
}

// embedded runs a staged binary in the place of this process.
func embedded(vars Vars, name string, env []string, args []string) error {
	if err := stage(vars, name); err != nil {
		return err
	}
	path, err := exec.LookPath(vars.bin(name))
	if err != nil {
		return err
	}
	return syscall.Exec(path, append([]string{name}, args...), append(os.Environ(), env...))
}
