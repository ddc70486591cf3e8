// Command kourier stands in for net-kourier's controller, whose module cannot be had: it reads
// Knative's Ingress objects, drives the Envoy gateway over xDS and writes the same status. It runs
// under the release's own kourier.yaml, with the service account and rights given there.
package main

import (
	"cmp"
	"context"
	"errors"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	restclient "k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	"knative.dev/networking/pkg/client/clientset/versioned"
	networkinginformers "knative.dev/networking/pkg/client/informers/externalversions"
	"knative.dev/networking/pkg/status"
	"knative.dev/pkg/logging"

	"knative-edge.lab/weight"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// The prober tells every try; what failed is enough, and its stack says nothing.
	logConfig := zap.NewProductionConfig()
	logConfig.Level.SetLevel(zap.WarnLevel)
	logConfig.DisableStacktrace = true
	logger := zap.Must(logConfig.Build()).Sugar()
	if err := weight.Carry(weight.Kourier); err != nil {
		log.Fatal(err)
	}
	if err := run(logging.WithLogger(ctx, logger), logger); err != nil {
		log.Fatalf("kourier stops: %v", err)
	}
}

// run starts the informers, sets the first configuration, and only then serves gateways.
func run(ctx context.Context, logger *zap.SugaredLogger) error {
	// In-cluster unless KUBECONFIG says otherwise, which the tests do.
	rest, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return err
	}
	rest.QPS, rest.Burst = 200, 200
	// Knative's finalizer has no slash, and the API server warns about it each time.
	rest.WarningHandler = restclient.NoWarnings{}
	networkingClient, err := versioned.NewForConfig(rest)
	if err != nil {
		return err
	}
	// Endpoints change in numbers and matter at once: protobuf halves the decoding.
	rest.ContentType = "application/vnd.kubernetes.protobuf"
	kube, err := kubernetes.NewForConfig(rest)
	if err != nil {
		return err
	}

	core := informers.NewSharedInformerFactoryWithOptions(kube, 0, informers.WithTransform(trim))
	settings := informers.NewSharedInformerFactoryWithOptions(kube, 0, informers.WithTransform(trim),
		informers.WithNamespace(cmp.Or(os.Getenv("SYSTEM_NAMESPACE"), "knative-serving")),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector("metadata.name", "config-kourier").String()
		}))
	ingresses := networkinginformers.NewSharedInformerFactoryWithOptions(networkingClient, 0, networkinginformers.WithTransform(trim))

	c := &controller{
		gatewayNamespace: cmp.Or(os.Getenv("KOURIER_GATEWAY_NAMESPACE"), "kourier-system"),
		client:           networkingClient,
		ingresses:        ingresses.Networking().V1alpha1().Ingresses().Lister(),
		services:         core.Core().V1().Services().Lister(),
		slices:           core.Discovery().V1().EndpointSlices().Lister(),
		settings:         settings.Core().V1().ConfigMaps().Lister(),
		secrets:          core.Core().V1().Secrets().Lister(),
		kube:             kube,
		snapshots:        cache.NewSnapshotCache(true, cache.IDHash{}, nil),
		queue:            workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]()),
		retired:          map[string]retiredCluster{},
	}
	c.prober = status.NewProber(logger, c, func(*v1alpha1.Ingress) { c.enqueue() })

	gatewayPods := toolscache.ResourceEventHandlerFuncs{
		UpdateFunc: func(old, current any) { c.cancelGonePods(old, current) },
		DeleteFunc: func(old any) { c.cancelGonePods(old, nil) },
	}
	changed := toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { c.enqueue() },
		UpdateFunc: func(any, any) { c.enqueue() },
		DeleteFunc: func(any) { c.enqueue() },
	}
	for _, watch := range []struct {
		informer toolscache.SharedIndexInformer
		handler  toolscache.ResourceEventHandler
	}{
		{core.Discovery().V1().EndpointSlices().Informer(), gatewayPods},
		{core.Discovery().V1().EndpointSlices().Informer(), changed},
		{core.Core().V1().Services().Informer(), changed},
		{core.Core().V1().Secrets().Informer(), toolscache.FilteringResourceEventHandler{FilterFunc: c.isOfIngress, Handler: changed}},
		{settings.Core().V1().ConfigMaps().Informer(), changed},
		{ingresses.Networking().V1alpha1().Ingresses().Informer(), changed},
	} {
		if _, err := watch.informer.AddEventHandler(watch.handler); err != nil {
			return err
		}
	}

	core.Start(ctx.Done())
	settings.Start(ctx.Done())
	ingresses.Start(ctx.Done())
	core.WaitForCacheSync(ctx.Done())
	settings.WaitForCacheSync(ctx.Done())
	ingresses.WaitForCacheSync(ctx.Done())
	c.prober.Start(ctx.Done())

	// The gateways' part of it needs nobody; a status that cannot be written now is tried again.
	if err := c.sync(ctx); errors.Is(err, errNoCertificate) {
		return err
	} else if err != nil {
		log.Printf("will retry: %v", err)
		c.enqueue()
	}
	go func() {
		<-ctx.Done()
		c.queue.ShutDown()
	}()
	go c.run(ctx)
	log.Printf("serving gateways on %s", xdsAddress)
	return serveXDS(ctx, c.snapshots)
}

// cancelGonePods stops probing gateway pods that left the EndpointSlice: they would never answer,
// and an ingress would wait for them for ever.
func (c *controller) cancelGonePods(before, after any) {
	if gone, ok := before.(toolscache.DeletedFinalStateUnknown); ok {
		before = gone.Obj
	}
	old, ok := before.(*discoveryv1.EndpointSlice)
	if !ok || old.Namespace != c.gatewayNamespace || old.Labels[discoveryv1.LabelServiceName] != internalService {
		return
	}
	current, _ := after.(*discoveryv1.EndpointSlice)
	for ip := range addresses(old).Difference(addresses(current)) {
		c.prober.CancelPodProbing(&corev1.Pod{Status: corev1.PodStatus{PodIP: ip}})
	}
}

// trim drops what nothing here reads and what is most of an object's size in memory.
func trim(object any) (any, error) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
	}
	return object, nil
}
