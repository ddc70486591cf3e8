package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var (
	errNotRoot      = errors.New("this command must be run as root")
	errNotInstalled = errors.New("k0s has not been installed as a service")
	systemUsers     = []string{"etcd", "kube-apiserver", "konnectivity-server", "kube-scheduler"}
)

func installCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "install", Short: "Install k0s on a brand-new system. Must be run as root (or with sudo)"}
	var force, start bool
	var env []string
	controller := &cobra.Command{
		Use:     "controller",
		Aliases: []string{"server"},
		Short:   "Install k0s controller on a brand-new system. Must be run as root (or with sudo)",
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
			if err := ensureUsers(vars.DataDir); err != nil {
				return fmt.Errorf("failed to create controller users: %w", err)
			}
			if err := installUnit(controllerService, append([]string{"controller"}, flagsToArgs(cmd)...), resolveEnv(env), force); err != nil {
				return fmt.Errorf("failed to install controller service: %w", err)
			}
			if start {
				verb := "start"
				if force {
					verb = "restart"
				}
				return systemctl(verb, controllerService)
			}
			return nil
		},
	}
	addControllerFlags(controller)
	controller.Flags().BoolVar(&start, "start", false, "start the service immediately after installation")
	worker := &cobra.Command{
		Use:   "worker",
		Short: "Install k0s worker on a brand-new system. Must be run as root (or with sudo)",
		Args:  cobra.NoArgs,
		// Like k0s, it looks at neither the token nor a controller that is installed here.
		RunE: func(cmd *cobra.Command, _ []string) error {
			if os.Geteuid() != 0 {
				return errNotRoot
			}
			if err := installUnit(workerService, append([]string{"worker"}, flagsToArgs(cmd)...), resolveEnv(env), force); err != nil {
				return fmt.Errorf("failed to install worker service: %w", err)
			}
			return nil
		},
	}
	addPersistentFlags(worker)
	addWorkerFlags(worker)
	for _, command := range []*cobra.Command{controller, worker} {
		command.Flags().BoolVar(&force, "force", false, "force init script creation")
		command.Flags().StringArrayVarP(&env, "env", "e", nil, "set environment variable")
		cmd.AddCommand(command)
	}
	return cmd
}

// flagsToArgs are the flags that were given, as the service will get them:
// paths are made absolute, and those that concern only the installing are left out.
func flagsToArgs(cmd *cobra.Command) (args []string) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		value := f.Value.String()
		switch f.Name {
		case "env", "force", "start":
			return
		case "data-dir", "kubelet-root-dir", "token-file", "config":
			if abs, err := filepath.Abs(value); err == nil {
				value = abs
			}
		}
		switch f.Value.Type() {
		case "stringSlice", "stringToString":
			value = strings.Trim(value, "[]")
		}
		args = append(args, fmt.Sprintf("--%s=%s", f.Name, value))
	})
	return args
}

// resolveEnv completes NAME to NAME=<its value here>.
func resolveEnv(in []string) (out []string) {
	for _, variable := range in {
		if !strings.Contains(variable, "=") {
			variable += "=" + os.Getenv(variable)
		}
		out = append(out, variable)
	}
	return out
}

func ensureUsers(home string) error {
	for _, name := range systemUsers {
		if _, err := user.Lookup(name); err == nil {
			continue
		}
		out, err := exec.Command("useradd", "--home", home, "--shell", "/usr/sbin/nologin", "--system", "--no-create-home", name).CombinedOutput()
		if err != nil {
			return fmt.Errorf("useradd %s: %w: %s", name, err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}

// unitText is the service. KillMode=process: a stop ends k0s and its
// components, while the pods go on under their shims.
func unitText(executable string, args, env []string) string {
	var b strings.Builder
	b.WriteString("[Unit]\nDescription=k0s - Zero Friction Kubernetes\nDocumentation=https://docs.k0sproject.io\n")
	fmt.Fprintf(&b, "ConditionFileIsExecutable=%s\n\nAfter=network-online.target\nWants=network-online.target\n\n", executable)
	b.WriteString("[Service]\nStartLimitInterval=5\nStartLimitBurst=10\n")
	fmt.Fprintf(&b, "ExecStart=%s %s\n", executable, strings.Join(quoteArgs(args), " "))
	for _, variable := range env {
		// Not escaped, as k0s has it: what systemd makes of quotes, backslashes and % is the caller's affair.
		fmt.Fprintf(&b, "Environment=\"%s\"\n", variable)
	}
	b.WriteString("\nRestartSec=10\nDelegate=yes\nKillMode=process\nLimitCORE=infinity\nTasksMax=infinity\nTimeoutStartSec=0\n")
	b.WriteString("LimitNOFILE=999999\nRestart=always\n\n[Install]\nWantedBy=multi-user.target\n")
	return b.String()
}

func quoteArgs(args []string) []string {
	quoted := slices.Clone(args)
	for i, arg := range quoted {
		// systemd expands % and splits at blanks.
		arg = strings.ReplaceAll(arg, "%", "%%")
		// As k0s has it (cmdEscape of kardianos/service): systemd makes a blank of it, inside of one argument.
		arg = strings.ReplaceAll(arg, " ", `\x20`)
		quoted[i] = arg
	}
	return quoted
}

// installedService is the service of this host, of which k0s knows one, the controller's first.
func installedService() (string, error) {
	for _, service := range []string{controllerService, workerService} {
		if _, err := os.Stat(unitPath(service)); err == nil {
			return service, nil
		}
	}
	return "", errNotInstalled
}

func installUnit(service string, args, env []string, force bool) error {
	path := unitPath(service)
	if _, err := os.Stat(path); err == nil && !force {
		return fmt.Errorf("Init already exists: %s", path)
	}
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(unitText(executable, args, env)), 0o644); err != nil {
		return err
	}
	if err := systemctl("enable", service+".service"); err != nil {
		return err
	}
	return systemctl("daemon-reload")
}

func uninstallUnits() error {
	for {
		service, err := installedService()
		if err != nil {
			return nil
		}
		if err := systemctl("disable", service+".service"); err != nil {
			return err
		}
		if err := os.Remove(unitPath(service)); err != nil {
			return err
		}
		if err := systemctl("daemon-reload"); err != nil {
			return err
		}
	}
}

func systemctl(args ...string) error {
	if out, err := exec.Command("systemctl", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("systemctl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// serviceState is the service of this host, and what systemd says of it: active, activating, inactive, failed...
func serviceState() (service, state string, err error) {
	if service, err = installedService(); err != nil {
		return "", "", err
	}
	out, _ := exec.Command("systemctl", "is-active", service).Output() // exits 3 when not active
	state = strings.TrimSpace(string(out))
	if state == "failed" {
		return "", "", errors.New("service in failed state")
	}
	return service, state, nil
}

func startCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "start",
		Short: "Start the k0s service configured on this host. Must be run as root (or with sudo)",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if os.Geteuid() != 0 {
				return errNotRoot
			}
			service, state, err := serviceState()
			if err != nil {
				return err
			}
			if state == "active" || state == "activating" {
				return errors.New("already running")
			}
			return systemctl("start", service+".service")
		},
	}
}

func stopCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "stop",
		Short: "Stop the k0s service configured on this host. Must be run as root (or with sudo)",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if os.Geteuid() != 0 {
				return errNotRoot
			}
			service, state, err := serviceState()
			if err != nil {
				return err
			}
			if state == "inactive" {
				return errors.New("already stopped")
			}
			return systemctl("stop", service+".service")
		},
	}
}
