/**
 * The fields of a workload by the Score specification, v1b1: score-v1b1.json in github.com/score-spec/spec. What older
 * releases wrote as lists (volumes with a target) is not taken.
 */
import {
  anyMapping,
  fields,
  int32,
  intOrText,
  list,
  mapOf,
  quantity,
  text,
  truth,
  ValueOf,
} from "../admission/schema";

const probe = fields({
  exec: fields({ command: list(text) }, ["command"]),
  httpGet: fields(
    {
      host: text,
      httpHeaders: list(fields({ name: text, value: text }, ["name", "value"])),
      path: text,
      port: intOrText,
      scheme: text,
    },
    ["path", "port"],
  ),
});

const amounts = fields({ cpu: quantity, memory: quantity });

const container = fields(
  {
    args: list(text),
    command: list(text),
    files: mapOf(
      fields({
        binaryContent: text,
        content: text,
        mode: text,
        noExpand: truth,
        source: text,
      }),
    ),
    image: text,
    livenessProbe: probe,
    readinessProbe: probe,
    resources: fields({ limits: amounts, requests: amounts }),
    variables: mapOf(text),
    volumes: mapOf(fields({ path: text, readOnly: truth, source: text }, ["source"])),
  },
  ["image"],
);

/** A Score workload. */
export const workload = fields(
  {
    apiVersion: text,
    containers: mapOf(container),
    // Whatever a placeholder may refer to.
    metadata: anyMapping,
    resources: mapOf(
      fields({ class: text, id: text, metadata: anyMapping, params: anyMapping, type: text }, [
        "type",
      ]),
    ),
    service: fields({
      ports: mapOf(fields({ port: int32, protocol: text, targetPort: int32 }, ["port"])),
    }),
  },
  ["containers", "metadata"],
);

export type Workload = ValueOf<typeof workload>;
export type WorkloadContainer = ValueOf<typeof container>;
