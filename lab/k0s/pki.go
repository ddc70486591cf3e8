package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"time"
)

const (
	caValidity   = 10 * 365 * 24 * time.Hour
	leafValidity = 365 * 24 * time.Hour
)

// authority is a certificate authority of the cluster.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
	pem  []byte
}

// keyPair is a certificate and its private key, PEM encoded.
type keyPair struct{ cert, key []byte }

// ensurePKI makes what is missing of the cluster's key material and reissues
// every leaf, as k0s does on each start: so a stored kubeconfig lasts a year
// from the last start, and changed SANs need a restart and no more. Keys are
// P-256, where k0s has RSA: they cost no noticeable time on a small host.
func ensurePKI(vars Vars, config *ClusterConfig, node string) error {
	if err := os.MkdirAll(vars.CertRootDir, 0o751); err != nil {
		return err
	}
	apiServer, scheduler := userID("kube-apiserver"), userID("kube-scheduler")
	ca, err := ensureCA(vars, "ca", "kubernetes-ca", apiServer)
	if err != nil {
		return err
	}
	frontProxy, err := ensureCA(vars, "front-proxy-ca", "kubernetes-front-proxy-ca", 0)
	if err != nil {
		return err
	}
	if err := ensureServiceAccountKey(vars, apiServer); err != nil {
		return err
	}
	apiService, err := config.Spec.Network.serviceAddress(1)
	if err != nil {
		return err
	}
	api := config.Spec.API
	sans := append([]string{
		"localhost", "127.0.0.1", node, "kubernetes", "kubernetes.default", "kubernetes.default.svc",
		"kubernetes.default.svc." + config.Spec.Network.ClusterDomain, apiService.String(), api.Address,
	}, api.SANs...)
	if api.ExternalAddress != "" {
		host, _, err := net.SplitHostPort(api.ExternalAddress)
		if err != nil {
			host = api.ExternalAddress
		}
		sans = append(sans, host)
	}
	leaves := []struct {
		by            *authority
		name, cn, org string
		sans          []string
		uid           int
		kubeconfig    string // where to write one with this certificate, if anywhere
	}{
		{by: ca, name: "server", cn: "kubernetes", org: "kubernetes", sans: sans, uid: apiServer},
		{by: ca, name: "apiserver-kubelet-client", cn: "apiserver-kubelet-client", org: "system:masters", uid: apiServer},
		{by: frontProxy, name: "front-proxy-client", cn: "front-proxy-client", org: "front-proxy-client", uid: apiServer},
		{by: ca, name: "admin", cn: "kubernetes-admin", org: "system:masters", kubeconfig: vars.AdminKubeConfigPath},
		{by: ca, name: "ccm", cn: "system:kube-controller-manager", org: "system:kube-controller-manager", uid: apiServer, kubeconfig: vars.pki("ccm.conf")},
		{by: ca, name: "scheduler", cn: "system:kube-scheduler", org: "system:kube-scheduler", uid: scheduler, kubeconfig: vars.pki("scheduler.conf")},
		{by: ca, name: "kubelet", cn: "system:node:" + node, org: "system:nodes", sans: []string{node, api.Address}, kubeconfig: vars.DataDir + "/kubelet.conf"},
	}
	for _, leaf := range leaves {
		pair, err := leaf.by.issue(leaf.cn, leaf.org, leaf.sans)
		if err != nil {
			return fmt.Errorf("certificate %s: %w", leaf.name, err)
		}
		if err := errors.Join(
			writeFile(vars.pki(leaf.name+".crt"), pair.cert, 0o644, 0),
			writeFile(vars.pki(leaf.name+".key"), pair.key, 0o600, leaf.uid),
		); err != nil {
			return err
		}
		if leaf.kubeconfig != "" {
			data := kubeconfig(api.localURL(), ca.pem, pair)
			if err := writeFile(leaf.kubeconfig, data, 0o600, leaf.uid); err != nil {
				return err
			}
		}
	}
	return nil
}

// ensureCA loads the authority of that name, or makes it.
func ensureCA(vars Vars, name, cn string, uid int) (*authority, error) {
	certPath, keyPath := vars.pki(name+".crt"), vars.pki(name+".key")
	certPEM, err := os.ReadFile(certPath)
	if err == nil {
		keyPEM, err := os.ReadFile(keyPath)
		if err != nil {
			return nil, err
		}
		return parseAuthority(certPath, certPEM, keyPEM)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: cn},
		NotBefore: time.Now().Add(-5 * time.Minute), NotAfter: time.Now().Add(caValidity),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	certPEM = encodePEM("CERTIFICATE", der)
	// The certificate last: it says that the authority is there, and one without its key would block every later start.
	if err := writeFile(keyPath, keyPEM, 0o600, uid); err != nil {
		return nil, err
	}
	if err := writeFile(certPath, certPEM, 0o644, 0); err != nil {
		return nil, err
	}
	return parseAuthority(certPath, certPEM, keyPEM)
}

func parseAuthority(path string, certPEM, keyPEM []byte) (*authority, error) {
	certBlock, _ := pem.Decode(certPEM)
	keyBlock, _ := pem.Decode(keyPEM)
	if certBlock == nil || keyBlock == nil {
		return nil, fmt.Errorf("%s or its key is not PEM", path)
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	key, err := x509.ParseECPrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the key of %s: %w", path, err)
	}
	return &authority{cert: cert, key: key, pem: certPEM}, nil
}

// ensureServiceAccountKey makes sa.key and sa.pub, which sign and check the pods' tokens.
func ensureServiceAccountKey(vars Vars, uid int) error {
	if _, err := os.Stat(vars.pki("sa.key")); err == nil {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	return errors.Join(
		writeFile(vars.pki("sa.pub"), encodePEM("PUBLIC KEY", public), 0o644, 0),
		writeFile(vars.pki("sa.key"), keyPEM, 0o600, uid),
	)
}

// issue signs a certificate for one year, for servers and clients alike.
func (by *authority) issue(cn, org string, sans []string) (keyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keyPair{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: cn, Organization: []string{org}},
		NotBefore: time.Now().Add(-5 * time.Minute), NotAfter: time.Now().Add(leafValidity),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, san := range sans {
		if ip := net.ParseIP(san); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, san)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, key.Public(), by.key)
	if err != nil {
		return keyPair{}, err
	}
	keyPEM, err := encodeKey(key)
	return keyPair{cert: encodePEM("CERTIFICATE", der), key: keyPEM}, err
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic(err) // the kernel's random source is gone
	}
	return n
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	return encodePEM("EC PRIVATE KEY", der), err
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
