package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/util/workqueue"
	"knative.dev/networking/pkg/apis/networking"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	"knative.dev/networking/pkg/client/clientset/versioned"
	networkinglisters "knative.dev/networking/pkg/client/listers/networking/v1alpha1"
	"knative.dev/networking/pkg/status"
)

const (
	ingressClass    = "kourier.ingress.networking.knative.dev"
	finalizer       = "ingresses.networking.internal.knative.dev"
	externalService = "kourier"
	internalService = "kourier-internal"

	// retiredClusterLife keeps a cluster that no route names any more, until no gateway can still
	// be on the routes that named it.
	retiredClusterLife = 5 * time.Second
	// gatewayRetry is the wait for a first gateway pod; its EndpointSlice's event comes sooner.
	gatewayRetry = 2 * time.Second
)

// controller has one unit of work, "make the gateway and every ingress' status right": the edge has
// a few ingresses, so one queue key that coalesces bursts is simpler than bookkeeping per ingress.
type controller struct {
	gatewayNamespace string

	client    versioned.Interface
	ingresses networkinglisters.IngressLister
	services  corelisters.ServiceLister
	slices    discoverylisters.EndpointSliceLister
	// settings lists ConfigMap config-kourier only.
	settings corelisters.ConfigMapLister
	secrets  corelisters.SecretLister
	kube     kubernetes.Interface

	snapshots cache.SnapshotCache
	prober    *status.Prober
	queue     workqueue.TypedRateLimitingInterface[string]

	retired map[string]retiredCluster
	inUse   map[string]*clusterv3.Cluster
}

type retiredCluster struct {
	cluster *clusterv3.Cluster
	until   time.Time
}

const syncKey = "sync"

func (c *controller) enqueue() { c.queue.Add(syncKey) }

// run works until the queue is shut down.
func (c *controller) run(ctx context.Context) {
	for {
		key, shutdown := c.queue.Get()
		if shutdown {
			return
		}
		if err := c.sync(ctx); err != nil {
			log.Printf("will retry: %v", err)
			c.queue.AddRateLimited(key)
		} else {
			c.queue.Forget(key)
		}
		c.queue.Done(key)
	}
}

// sync gives the gateway the configuration of all ingresses, then brings each status up to date.
func (c *controller) sync(ctx context.Context) error {
	all, err := c.ingresses.List(labels.Everything())
	if err != nil {
		return err
	}
	// The oldest ingress keeps a contested domain.
	sort.Slice(all, func(i, j int) bool {
		a, b := all[i], all[j]
		if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
			return a.CreationTimestamp.Before(&b.CreationTimestamp)
		}
		return a.Namespace+"/"+a.Name < b.Namespace+"/"+b.Name
	})

	config, err := c.gatewaySettings(ctx)
	if err != nil {
		return err
	}
	clusters := map[string]*clusterv3.Cluster{}
	domains := sets.New[string]()
	var served, deleted []*v1alpha1.Ingress
	refused := map[*v1alpha1.Ingress]error{}
	for _, ing := range all {
		switch {
		case ing.DeletionTimestamp != nil:
			deleted = append(deleted, ing)
			continue
		case ing.Annotations[networking.IngressClassAnnotationKey] != ingressClass:
			continue
		}
		t, err := translate(ing, c)
		if err == nil && domains.HasAny(t.domains()...) {
			err = errDomainConflict
		}
		if err != nil {
			refused[ing] = err
			continue
		}
		domains.Insert(t.domains()...)
		served = append(served, ing)
		for name, cluster := range t.clusters {
			clusters[name] = cluster
		}
		config.external = append(config.external, t.external...)
		config.internal = append(config.internal, t.internal...)
		config.externalTLS = append(config.externalTLS, t.externalTLS...)
		config.certificates = append(config.certificates, t.certificates...)
	}
	config.clusters = c.withRetired(clusters)

	snapshot, err := config.snapshot()
	if err != nil {
		return err
	}
	if err := c.snapshots.SetSnapshot(ctx, gatewayNode, snapshot); err != nil {
		return err
	}

	var failures []error
	for _, ing := range deleted {
		c.prober.CancelIngressProbing(ing)
		failures = append(failures, c.setFinalizer(ctx, ing, false))
	}
	for _, ing := range served {
		failures = append(failures, c.setFinalizer(ctx, ing, true), c.updateReadiness(ctx, ing))
	}
	for ing, reason := range refused {
		failures = append(failures, c.updateRefused(ctx, ing, reason))
	}
	return errors.Join(failures...)
}

var errDomainConflict = errors.New("Ingress rejected as its domain conflicts with another ingress")

// withRetired returns the clusters in name order, with those that fell out of use a moment ago.
func (c *controller) withRetired(wanted map[string]*clusterv3.Cluster) []*clusterv3.Cluster {
	now := time.Now()
	for name, cluster := range c.inUse {
		if wanted[name] == nil {
			c.retired[name] = retiredCluster{cluster, now.Add(retiredClusterLife)}
			c.queue.AddAfter(syncKey, retiredClusterLife+time.Second)
		}
	}
	c.inUse = wanted
	byName := map[string]*clusterv3.Cluster{}
	for name, old := range c.retired {
		if wanted[name] != nil || now.After(old.until) {
			delete(c.retired, name)
		} else {
			byName[name] = old.cluster
		}
	}
	for name, cluster := range wanted {
		byName[name] = cluster
	}
	list := make([]*clusterv3.Cluster, 0, len(byName))
	for _, name := range sets.List(sets.KeySet(byName)) {
		list = append(list, byName[name])
	}
	return list
}

// errNoCertificate says that config-kourier names a certificate which is not there. Kourier reads it anew with each snapshot,
// and does not start without it.
var errNoCertificate = errors.New("config-kourier names a certificate that cannot be read")

// gatewaySettings reads the keys of config-kourier that the double honours.
func (c *controller) gatewaySettings(ctx context.Context) (gatewayConfig, error) {
	config := gatewayConfig{accessLog: true}
	maps, err := c.settings.List(labels.Everything())
	if err != nil || len(maps) == 0 {
		return config, nil
	}
	data := maps[0].Data
	if on, err := strconv.ParseBool(data["enable-service-access-logging"]); err == nil {
		config.accessLog = on
	}
	if idle, err := time.ParseDuration(data["stream-idle-timeout"]); err == nil {
		config.streamIdleTimeout = idle
	}
	namespace, name := data["certs-secret-namespace"], data["certs-secret-name"]
	if namespace == "" || name == "" {
		return config, nil
	}
	secret, err := c.kube.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return config, fmt.Errorf("%w: %w", errNoCertificate, err)
	}
	// As it is: what is no certificate is refused by Envoy, with every other change since.
	config.oneCertificate = &certificate{chain: secret.Data[corev1.TLSCertKey], key: secret.Data[corev1.TLSPrivateKeyKey]}
	return config, nil
}

// updateReadiness marks the ingress ready once every gateway pod has answered the probes of this version.
func (c *controller) updateReadiness(ctx context.Context, ing *v1alpha1.Ingress) error {
	if ing.IsReady() {
		return nil
	}
	ready, err := c.prober.IsReady(ctx, ing)
	if errors.Is(err, errNoGateway) {
		c.queue.AddAfter(syncKey, gatewayRetry)
	} else if err != nil {
		return err
	}
	return c.updateStatus(ctx, ing, func(s *v1alpha1.IngressStatus) {
		s.MarkNetworkConfigured()
		if !ready {
			s.MarkLoadBalancerNotReady()
			return
		}
		s.MarkLoadBalancerReady(c.loadBalancer(externalService), c.loadBalancer(internalService))
	})
}

func (c *controller) loadBalancer(service string) []v1alpha1.LoadBalancerIngressStatus {
	return []v1alpha1.LoadBalancerIngressStatus{{
		DomainInternal: fmt.Sprintf("%s.%s.svc.cluster.local", service, c.gatewayNamespace),
	}}
}

func (c *controller) updateRefused(ctx context.Context, ing *v1alpha1.Ingress, reason error) error {
	return c.updateStatus(ctx, ing, func(s *v1alpha1.IngressStatus) {
		switch {
		case errors.Is(reason, errBackendMissing):
			s.MarkNetworkConfigured()
			s.MarkLoadBalancerNotReady()
		case errors.Is(reason, errDomainConflict):
			s.MarkLoadBalancerFailed("DomainConflict", reason.Error())
		default:
			s.MarkLoadBalancerFailed("NotTranslated", reason.Error())
		}
	})
}

func (c *controller) updateStatus(ctx context.Context, ing *v1alpha1.Ingress, mark func(*v1alpha1.IngressStatus)) error {
	desired := ing.DeepCopy()
	desired.Status.InitializeConditions()
	mark(&desired.Status)
	desired.Status.ObservedGeneration = desired.Generation
	if equality.Semantic.DeepEqual(ing.Status, desired.Status) {
		return nil
	}
	_, err := c.client.NetworkingV1alpha1().Ingresses(ing.Namespace).UpdateStatus(ctx, desired, metav1.UpdateOptions{})
	return ignoreStale(err)
}

// setFinalizer adds or removes Kourier's finalizer: the gateway forgets a route before its ingress goes.
func (c *controller) setFinalizer(ctx context.Context, ing *v1alpha1.Ingress, present bool) error {
	if slices.Contains(ing.Finalizers, finalizer) == present {
		return nil
	}
	wanted := slices.DeleteFunc(slices.Clone(ing.Finalizers), func(f string) bool { return f == finalizer })
	if present {
		wanted = append(wanted, finalizer)
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"finalizers": wanted, "resourceVersion": ing.ResourceVersion,
	}})
	if err != nil {
		return err
	}
	_, err = c.client.NetworkingV1alpha1().Ingresses(ing.Namespace).Patch(ctx, ing.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	return ignoreStale(err)
}

// ignoreStale drops what the informer's next event repairs: the object has moved on or is gone.
func ignoreStale(err error) error {
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func (c *controller) service(namespace, name string) (*corev1.Service, error) {
	service, err := c.services.Services(namespace).Get(name)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return service, err
}

func (c *controller) endpointSlices(namespace, service string) ([]*discoveryv1.EndpointSlice, error) {
	return c.slices.EndpointSlices(namespace).List(labels.SelectorFromSet(labels.Set{discoveryv1.LabelServiceName: service}))
}

func (c *controller) secret(namespace, name string) (*corev1.Secret, error) {
	return c.secrets.Secrets(namespace).Get(name)
}

// isOfIngress tells whether an ingress names a Secret. Kourier looks at changes of no other: not of the one that
// config-kourier names.
func (c *controller) isOfIngress(object any) bool {
	secret, ok := object.(*corev1.Secret)
	ingresses, err := c.ingresses.List(labels.Everything())
	return ok && err == nil && slices.ContainsFunc(ingresses, func(ing *v1alpha1.Ingress) bool {
		return slices.ContainsFunc(ing.Spec.TLS, func(tls v1alpha1.IngressTLS) bool {
			return tls.SecretNamespace == secret.Namespace && tls.SecretName == secret.Name
		})
	})
}

var errNoGateway = errors.New("no gateway pod is ready")

// ListProbeTargets names what must answer before an ingress is ready: each of its hosts, on every
// ready gateway pod, on a probe port or the cluster-local one.
func (c *controller) ListProbeTargets(_ context.Context, ing *v1alpha1.Ingress) ([]status.ProbeTarget, error) {
	gateways, err := c.endpointSlices(c.gatewayNamespace, internalService)
	if err != nil {
		return nil, err
	}
	ips := sets.New[string]()
	for _, slice := range gateways {
		ips = ips.Union(addresses(slice))
	}
	if len(ips) == 0 {
		return nil, errNoGateway
	}
	hasTLS := len(ing.GetIngressTLSForVisibility(v1alpha1.IngressVisibilityExternalIP)) > 0
	var targets []status.ProbeTarget
	for _, rule := range ing.Spec.Rules {
		port, scheme := internalPort, "http"
		switch external := rule.Visibility == v1alpha1.IngressVisibilityExternalIP; {
		case external && hasTLS:
			port, scheme = probeTLSPort, "https"
		case external:
			port = probePort
		}
		target := status.ProbeTarget{PodIPs: ips, PodPort: strconv.Itoa(port)}
		for _, host := range rule.Hosts {
			target.URLs = append(target.URLs, &url.URL{Scheme: scheme, Host: host, Path: "/"})
		}
		targets = append(targets, target)
	}
	return targets, nil
}
