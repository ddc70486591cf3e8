// Says what Knative's admission webhook makes of Services and ConfigMaps, without a cluster.
//
// Stdin is one JSON object: the OpenAPI schema of Services in `schema`, and a list of `cases`. Each case has the data of
// Knative's ConfigMaps in `config`, and a Service in `service` or the data of the ConfigMap `name` in `configMap`. Stdout is
// a JSON list with an answer for each case: why it is refused (empty where it is admitted), and what is only warned of.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"

	corev1 "k8s.io/api/core/v1"
	objectvalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
	netconfig "knative.dev/networking/pkg/config"
	"knative.dev/pkg/apis"
	"knative.dev/pkg/leaderelection"
	"knative.dev/pkg/logging"
	apisconfig "knative.dev/serving/pkg/apis/config"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
	autoscalerconfig "knative.dev/serving/pkg/autoscaler/config"
	"knative.dev/serving/pkg/deployment"
	"knative.dev/serving/pkg/gc"
	o11yconfigmap "knative.dev/serving/pkg/observability/configmap"
	certconfig "knative.dev/serving/pkg/reconciler/certificate/config"
	routeconfig "knative.dev/serving/pkg/reconciler/route/config"
	kjson "sigs.k8s.io/json"
)

type input struct {
	Schema spec.Schema `json:"schema"`
	Cases  []struct {
		Name      string                       `json:"name"`
		Config    map[string]map[string]string `json:"config"`
		Service   json.RawMessage              `json:"service"`
		ConfigMap map[string]string            `json:"configMap"`
	} `json:"cases"`
}

type answer struct {
	Errors   []string `json:"errors"`
	Warnings []string `json:"warnings"`
}

func main() {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		fail(err)
	}
	answers := make([]answer, len(in.Cases))
	for i, one := range in.Cases {
		if one.Service == nil {
			answers[i] = admitConfigMap(one.Name, one.ConfigMap)
			continue
		}
		ctx, err := withConfig(context.Background(), one.Config)
		if err != nil {
			fail(err)
		}
		answers[i] = admitService(ctx, &in.Schema, one.Service)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// admitService asks in the order of the API server: the schema of the CustomResourceDefinition, the rules of every object's
// metadata, then Knative's webhook. Fields that neither the schema nor the types have are errors, as they are to kubectl.
func admitService(ctx context.Context, schema *spec.Schema, service []byte) (found answer) {
	found = answer{Errors: []string{}, Warnings: []string{}}
	var value any
	if err := json.Unmarshal(service, &value); err != nil {
		fail(err)
	}
	found.Errors = append(found.Errors, structuralErrors("", value, schema)...)
	for _, err := range validate.NewSchemaValidator(schema, nil, "", strfmt.Default).Validate(value).Errors {
		found.Errors = append(found.Errors, err.Error())
	}
	var object servingv1.Service
	unknown, err := kjson.UnmarshalStrict(service, &object)
	if err != nil {
		found.Errors = append(found.Errors, err.Error())
		return found
	}
	for _, err := range unknown {
		found.Errors = append(found.Errors, err.Error())
	}
	// The API server fills these in before it looks at them.
	meta := object.ObjectMeta.DeepCopy()
	meta.Namespace = cmp.Or(meta.Namespace, "default")
	if meta.Name == "" && meta.GenerateName != "" {
		meta.Name = meta.GenerateName + "abcde"
	}
	for _, err := range objectvalidation.ValidateObjectMeta(
		meta, true, objectvalidation.NameIsDNSSubdomain, field.NewPath("metadata")) {
		found.Errors = append(found.Errors, err.Error())
	}
	ctx = apis.WithinCreate(ctx)
	object.SetDefaults(ctx)
	problems := object.Validate(ctx)
	if errors := problems.Filter(apis.ErrorLevel); errors != nil {
		found.Errors = append(found.Errors, errors.Error())
	}
	if warnings := problems.Filter(apis.WarningLevel); warnings != nil {
		for _, warning := range warnings.WrappedErrors() {
			found.Warnings = append(found.Warnings, warning.Error())
		}
	}
	return found
}

// structuralErrors are of what kube-openapi does not look at: fields that the API server would drop, and list items that have
// the same key.
func structuralErrors(path string, value any, schema *spec.Schema) (found []string) {
	switch value := value.(type) {
	case map[string]any:
		keeps, _ := schema.Extensions["x-kubernetes-preserve-unknown-fields"].(bool)
		names := make([]string, 0, len(value))
		for name := range value {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			below := path + "." + name
			if property, ok := schema.Properties[name]; ok {
				found = append(found, structuralErrors(below, value[name], &property)...)
			} else if more := schema.AdditionalProperties; more != nil && more.Schema != nil {
				found = append(found, structuralErrors(below, value[name], more.Schema)...)
			} else if !keeps && below != ".metadata."+name {
				found = append(found, "unknown field "+below)
			}
		}
	case []any:
		keys, _ := schema.Extensions["x-kubernetes-list-map-keys"].([]any)
		seen := map[string]bool{}
		for i, item := range value {
			below := fmt.Sprintf("%s[%d]", path, i)
			if schema.Items != nil && schema.Items.Schema != nil {
				found = append(found, structuralErrors(below, item, schema.Items.Schema)...)
			}
			if fields, ok := item.(map[string]any); ok && len(keys) == 1 {
				key := fmt.Sprint(fields[keys[0].(string)])
				if seen[key] {
					found = append(found, fmt.Sprintf("duplicate value %s: %s", key, below))
				}
				seen[key] = true
			}
		}
	}
	return found
}

func withConfig(ctx context.Context, data map[string]map[string]string) (context.Context, error) {
	defaults, err := apisconfig.NewDefaultsConfigFromMap(data[apisconfig.DefaultsConfigName])
	if err != nil {
		return nil, err
	}
	features, err := apisconfig.NewFeaturesConfigFromMap(data[apisconfig.FeaturesConfigName])
	if err != nil {
		return nil, err
	}
	autoscaler, err := autoscalerconfig.NewConfigFromMap(data[autoscalerconfig.ConfigName])
	if err != nil {
		return nil, err
	}
	return apisconfig.ToContext(ctx, &apisconfig.Config{
		Defaults: defaults, Features: features, Autoscaler: autoscaler,
	}), nil
}

// constructors are those of the webhook: cmd/webhook/main.go in knative.dev/serving.
var constructors = map[string]func(*corev1.ConfigMap) (any, error){
	autoscalerconfig.ConfigName:      of(autoscalerconfig.NewConfigFromConfigMap),
	gc.ConfigName:                    of(gc.NewConfigFromConfigMapFunc(context.Background())),
	netconfig.ConfigMapName:          of(netconfig.NewConfigFromConfigMap),
	deployment.ConfigName:            of(deployment.NewConfigFromConfigMap),
	apisconfig.FeaturesConfigName:    of(apisconfig.NewFeaturesConfigFromConfigMap),
	o11yconfigmap.Name():             of(o11yconfigmap.Parse),
	logging.ConfigMapName():          of(logging.NewConfigFromConfigMap),
	leaderelection.ConfigMapName():   of(leaderelection.NewConfigFromConfigMap),
	routeconfig.DomainConfigName:     of(routeconfig.NewDomainFromConfigMap),
	apisconfig.DefaultsConfigName:    of(apisconfig.NewDefaultsConfigFromConfigMap),
	certconfig.CertManagerConfigName: of(certconfig.NewCertManagerConfigFromConfigMap),
}

func of[Config any](parse func(*corev1.ConfigMap) (Config, error)) func(*corev1.ConfigMap) (any, error) {
	return func(configMap *corev1.ConfigMap) (any, error) { return parse(configMap) }
}

func admitConfigMap(name string, data map[string]string) answer {
	configMap := corev1.ConfigMap{Data: data}
	configMap.Name = name
	if _, err := constructors[name](&configMap); err != nil {
		return answer{Errors: []string{err.Error()}, Warnings: []string{}}
	}
	return answer{Errors: []string{}, Warnings: []string{}}
}
