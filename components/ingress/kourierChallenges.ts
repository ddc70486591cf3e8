import { dump } from "js-yaml";
import { isGatewayService } from "../cluster/fieldRules";
import { KubernetesObject } from "../cluster/kubernetesObject";
import { withPodAnnotation } from "../cluster/workloads";
import { JsonObject } from "../../lib/json";
import { parseYaml } from "../../lib/yaml";
import { kourierKind } from "./kourierKind";

/** Port of the gateway's pod at which challenges are answered. Kourier has none near it (pkg/config in net-kourier). */
const port = 8092;

/** Port of the gateway's pod at which Kourier has services answer by HTTP (kourier.yaml). */
const servicesPort = 8080;

/** On the gateway's pods: Envoy reads its bootstrap only when it starts, so another one needs another pod. */
const annotation = "knative-edge/acme-account";

/**
 * Has the gateway answer the challenges of an ACME server (HTTP-01, RFC 8555 section 8.3) for all hosts, those among them
 * that Knative does not know yet. What answers a token is the token and the account's thumbprint, so the gateway needs to be
 * told of no challenge. Knative itself has challenges only for certificates that a controller in the cluster makes, and
 * Kourier takes one Ingress for each host, so they cannot have one of their own.
 *
 * Envoy gets a listener in its bootstrap, which hands every other request on to Kourier's own as it is.
 * @param thumbprint Of the account's key.
 */
export function answeringChallenges(
  thumbprint: string,
): (object: KubernetesObject) => KubernetesObject {
  return (object) => {
    const { kind, metadata, data, spec } = object;
    if (metadata.namespace !== kourierKind.namespace) {
      return object;
    }
    const file = "envoy-bootstrap.yaml";
    const bootstrap = kind === "ConfigMap" ? data?.[file] : undefined;
    if (bootstrap !== undefined) {
      return { ...object, data: { ...data, [file]: withListener(bootstrap, thumbprint) } };
    }
    if (isGatewayService(object)) {
      const ports = (spec?.ports as JsonObject[]).map((each) =>
        each.targetPort === servicesPort ? { ...each, targetPort: port } : each,
      );
      return { ...object, spec: { ...spec, ports } };
    }
    return kind === "Deployment" ? withPodAnnotation(object, annotation, thumbprint) : object;
  };
}

/** As much of Envoy's bootstrap as is changed. */
interface Bootstrap {
  static_resources?: { listeners?: unknown[]; clusters?: unknown[] };
}

/** Envoy's bootstrap with the listener. */
function withListener(text: string, thumbprint: string): string {
  const bootstrap = (parseYaml(text) ?? {}) as Bootstrap;
  const { listeners = [], clusters = [], ...others } = bootstrap.static_resources ?? {};
  const resources = {
    ...others,
    listeners: [...listeners, listener(thumbprint)],
    clusters: [...clusters, cluster],
  };
  return dump({ ...bootstrap, static_resources: resources }, { lineWidth: -1 });
}

const clusterName = "acme_others";

function listener(thumbprint: string): object {
  const extension = "type.googleapis.com/envoy.extensions.filters";
  const manager = {
    "@type": `${extension}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "acme_challenges",
    // What a service sees and says stays as it is without this listener; Kourier's own has the time limits.
    generate_request_id: false,
    server_header_transformation: "PASS_THROUGH",
    stream_idle_timeout: "0s",
    upgrade_configs: [{ upgrade_type: "websocket" }],
    http_filters: [
      {
        name: "envoy.filters.http.lua",
        typed_config: {
          "@type": `${extension}.http.lua.v3.Lua`,
          default_source_code: { inline_string: answer(thumbprint) },
        },
      },
      {
        name: "envoy.filters.http.router",
        typed_config: {
          "@type": `${extension}.http.router.v3.Router`,
          suppress_envoy_headers: true,
        },
      },
    ],
    route_config: {
      virtual_hosts: [
        {
          name: clusterName,
          domains: ["*"],
          routes: [{ match: { prefix: "/" }, route: { cluster: clusterName, timeout: "0s" } }],
        },
      ],
    },
  };
  return {
    name: "acme_challenges",
    address: { socket_address: { address: "::", port_value: port, ipv4_compat: true } },
    filter_chains: [
      {
        filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }],
      },
    ],
  };
}

/** Lua, because what Envoy answers by itself cannot have a part of the request in it. */
function answer(thumbprint: string): string {
  return [
    "function envoy_on_request(request)",
    '  local path = request:headers():get(":path")',
    '  local token = string.match(path, "^/%.well%-known/acme%-challenge/([%w_-]+)$")',
    "  if token then",
    `    request:respond({[":status"] = "200"}, token .. ".${thumbprint}")`,
    "  end",
    "end",
    "",
  ].join("\n");
}

/** Kourier's own listener, by the protocol that the client speaks: gRPC needs HTTP/2. */
const cluster = {
  name: clusterName,
  connect_timeout: "1s",
  type: "static",
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      use_downstream_protocol_config: { http_protocol_options: {}, http2_protocol_options: {} },
    },
  },
  load_assignment: {
    cluster_name: clusterName,
    endpoints: [
      {
        lb_endpoints: [
          {
            endpoint: {
              address: { socket_address: { address: "127.0.0.1", port_value: servicesPort } },
            },
          },
        ],
      },
    ],
  },
};
