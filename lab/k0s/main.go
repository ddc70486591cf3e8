// Command k0s is the lab's double of k0s: the same commands, outputs, paths and
// service as far as knative-edge uses them, around the same upstream Kubernetes
// programs, on one controller and its workers. README.md lists what it has and what it has not.
package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// version is set at build time.
var version = "v1.34.2+k0s.0"

func main() {
	// As with k0s, a link named kubectl or k0s-kubectl is that command.
	if name := strings.TrimPrefix(filepath.Base(os.Args[0]), "k0s-"); name == "kubectl" || name == "ctr" {
		os.Args = append([]string{"k0s", name}, os.Args[1:]...)
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	root := &cobra.Command{
		Use:          "k0s",
		Short:        "k0s - Zero Friction Kubernetes",
		Long:         "k0s - The zero friction Kubernetes - https://k0sproject.io\nThis is a lab's double of it: see lab/k0s/README.md of knative-edge.",
		SilenceUsage: true,
	}
	root.AddCommand(
		versionCmd(), installCmd(), startCmd(), stopCmd(), statusCmd(), kubeconfigCmd(), kubectlCmd(), ctrCmd(),
		configCmd(), sysinfoCmd(), resetCmd(), controllerCmd(), workerCmd(), tokenCmd(), airgapCmd(),
	)
	if root.Execute() != nil {
		os.Exit(1)
	}
}

func versionCmd() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the k0s version", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), version) },
	}
}

func kubectlCmd() *cobra.Command {
	return &cobra.Command{
		Use: "kubectl", Short: "kubectl controls the Kubernetes cluster manager", DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			vars := runtimeVars(newVars(cmd))
			var env []string
			if os.Getenv("KUBECONFIG") == "" {
				env = []string{"KUBECONFIG=" + vars.AdminKubeConfigPath}
			}
			return embedded(vars, "kubectl", env, args)
		},
	}
}

func ctrCmd() *cobra.Command {
	return &cobra.Command{
		Use: "ctr", Short: "containerd CLI", DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			vars := runtimeVars(newVars(cmd))
			return embedded(vars, "ctr", nil, append([]string{"--address", vars.containerdSocket(), "--namespace", "k8s.io"}, args...))
		},
	}
}

func configCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Configuration related sub-commands"}
	create := &cobra.Command{
		Use: "create", Short: "Output the default k0s configuration yaml to stdout", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// etcd, like the real one: the default of a single node is not the default of this command.
			config := defaultConfig("etcd")
			config.Spec.Images = nil
			data, err := yaml.Marshal(config)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(data)
			return err
		},
	}
	validate := &cobra.Command{
		Use: "validate", Short: "Validate k0s configuration", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := cmd.Flags().GetString("config")
			if err != nil {
				return err
			}
			var data []byte
			switch path {
			case "":
				return errors.New("--config can't be empty")
			case "-":
				if data, err = io.ReadAll(cmd.InOrStdin()); err != nil {
					return fmt.Errorf("failed to read configuration from standard input: %w", err)
				}
			default:
				if data, err = os.ReadFile(path); err != nil {
					return fmt.Errorf("failed to read configuration file: %w", err)
				}
			}
			config, err := parseConfig(data, "etcd")
			if err != nil {
				return fmt.Errorf("failed to parse configuration: %w", err)
			}
			return config.validate()
		},
	}
	validate.Flags().StringP("config", "c", "", "config file, use '-' to read the config from stdin")
	if err := validate.MarkFlagRequired("config"); err != nil {
		panic(err) // the flag is defined one line above
	}
	cmd.AddCommand(create, validate)
	return cmd
}

func airgapCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "airgap", Short: "Tooling for airgapped installations"}
	list := &cobra.Command{
		Use: "list-images", Short: "List image names and versions needed for airgapped installations", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := newVars(cmd).nodeConfig()
			if err != nil {
				return err
			}
			i := config.Spec.Images
			for _, image := range []*Image{i.CoreDNS, i.KubeProxy, i.KubeRouter.CNI, i.MetricsServer, i.Pause} {
				fmt.Fprintln(cmd.OutOrStdout(), image.URI())
			}
			return nil
		},
	}
	list.Flags().Bool("all", false, "include all images, even if they are not used in the current configuration")
	list.Flags().StringP("config", "c", "", "config file (default \""+defaultConfigPath+"\")")
	cmd.AddCommand(list)
	return cmd
}
