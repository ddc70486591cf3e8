import assert from "node:assert/strict";
import { load } from "js-yaml";
import { KubernetesObject } from "../../../../components/cluster/kubernetesObject";
import { JsonObject } from "../../../../lib/json";
import { answeringChallenges } from "../../../../components/ingress/kourierChallenges";

const bootstrap = `
node: { id: 3scale-kourier-gateway }
static_resources:
  listeners: [{ name: stats_listener }]
  clusters: [{ name: xds_cluster }]
`;
const object = (
  kind: string,
  name: string,
  rest: Partial<KubernetesObject>,
  namespace = "kourier-system",
): KubernetesObject => ({ apiVersion: "v1", kind, metadata: { name, namespace }, ...rest });
const ports = [
  { port: 80, targetPort: 8080 },
  { port: 443, targetPort: 8443 },
];
const answering = answeringChallenges("thumb-print_1");

describe("a gateway that answers challenges", () => {
  it("has one more listener, which knows the account and hands the rest on to Kourier's", () => {
    const data = { "envoy-bootstrap.yaml": bootstrap };
    const changed = answering(object("ConfigMap", "kourier-bootstrap", { data }));
    const text = changed.data?.["envoy-bootstrap.yaml"] ?? "";
    const { node, static_resources: all } = load(text) as {
      node: object;
      static_resources: Record<"listeners" | "clusters", { name: string }[]>;
    };
    assert.deepEqual(node, { id: "3scale-kourier-gateway" });
    assert.deepEqual(
      all.listeners.map(({ name }) => name),
      ["stats_listener", "acme_challenges"],
    );
    assert.equal(all.clusters.length, 2);
    assert.match(text, /token \.\. "\.thumb-print_1"/);
  });

  it("is asked there by HTTP alone, whoever gives it its address", () => {
    const specs: JsonObject[] = [
      { type: "LoadBalancer", ports },
      { type: "ClusterIP", externalIPs: ["192.168.56.10"], ports },
    ];
    for (const spec of specs) {
      const { spec: changed } = answering(object("Service", "kourier", { spec }));
      assert.deepEqual(changed?.ports, [{ port: 80, targetPort: 8092 }, ports[1]]);
    }
    const internal = object("Service", "kourier-internal", { spec: { type: "ClusterIP", ports } });
    assert.equal(answering(internal), internal);
  });

  it("starts anew with another account, for Envoy reads its bootstrap once", () => {
    const spec = { template: { metadata: { annotations: { a: "b" } }, spec: { containers: [] } } };
    const { spec: changed } = answering(object("Deployment", "3scale-kourier-gateway", { spec }));
    assert.deepEqual((changed?.template as typeof spec.template).metadata.annotations, {
      a: "b",
      "knative-edge/acme-account": "thumb-print_1",
    });
    const controller = object("Deployment", "net-kourier-controller", { spec }, "knative-serving");
    assert.equal(answering(controller), controller);
  });
});
