package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
)

// kubeconfig is a client configuration with everything embedded, in the names that k0s gives.
func kubeconfig(server string, ca []byte, pair keyPair) []byte {
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, `apiVersion: v1
clusters:
- cluster:
    server: %s
    certificate-authority-data: %s
  name: local
contexts:
- context:
    cluster: local
    namespace: default
    user: user
  name: Default
current-context: Default
kind: Config
preferences: {}
users:
- name: user
  user:
    client-certificate-data: %s
    client-key-data: %s
`, server, b64(ca), b64(pair.cert), b64(pair.key))
}

func kubeconfigCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "kubeconfig [command]", Short: "Create a kubeconfig file for a specified user", SilenceUsage: true}
	admin := &cobra.Command{
		Use:   "admin",
		Short: "Display Admin's Kubeconfig file",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			vars := runtimeVars(newVars(cmd))
			config, err := vars.nodeConfig()
			if err != nil {
				return err
			}
			if _, err := os.Stat(vars.AdminKubeConfigPath); errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("admin config %q not found, check if the control plane is initialized on this node", vars.AdminKubeConfigPath)
			}
			var files [3][]byte
			for i, name := range []string{"ca.crt", "admin.crt", "admin.key"} {
				if files[i], err = os.ReadFile(vars.pki(name)); err != nil {
					return fmt.Errorf("failed to read admin config: %w", err)
				}
			}
			_, err = cmd.OutOrStdout().Write(kubeconfig(config.Spec.API.url(), files[0], keyPair{files[1], files[2]}))
			return err
		},
	}
	addPersistentFlags(admin)
	cmd.AddCommand(admin)
	return cmd
}
