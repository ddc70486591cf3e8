import { strict as assert } from "node:assert";
import {
  clusterTroubles,
  troubleSentences,
  WatchedPods,
} from "../../../../stack/errors/clusterTroubles";

const now = new Date("2026-11-25T12:00:00Z");
const watched: WatchedPods = {
  namespaces: ["kube-system", "knative-serving"],
  services: ["hello"],
  coreDns: true,
};

/** A time of the API, so many seconds ago. */
const ago = (seconds: number): string => new Date(now.getTime() - seconds * 1000).toISOString();

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

/** A node as kubelet reports it (setters in pkg/kubelet/nodestatus of Kubernetes), with these conditions in place of its own. */
function node(...changed: Condition[]) {
  const quiet = ["MemoryPressure", "DiskPressure", "PIDPressure"].map((type) => ({
    type,
    status: "False",
    reason: `KubeletHasSufficient${type}`,
    lastTransitionTime: ago(100_000),
  }));
  const ready = { type: "Ready", status: "True", lastTransitionTime: ago(30) };
  const others = [...quiet, ready].filter(({ type }) => !changed.some((one) => one.type === type));
  return { metadata: { name: "edge" }, status: { conditions: [...others, ...changed] } };
}

/** A pod of a Deployment. */
function pod(workload: string, status: object, more: object = {}) {
  const [namespace, name] = workload.split("/");
  return {
    metadata: {
      namespace,
      name: `${name}-5f7-x2x`,
      ownerReferences: [{ kind: "ReplicaSet", name: `${name}-5f7` }],
      ...more,
    },
    status,
  };
}

const scheduled = (seconds: number) => ({
  type: "PodScheduled",
  status: "True",
  lastTransitionTime: ago(seconds),
});
const readiness = (status: string, seconds: number) => ({
  type: "Ready",
  status,
  lastTransitionTime: ago(seconds),
});
const running = (seconds: number, ready = "False") => ({
  phase: "Running",
  startTime: ago(seconds),
  conditions: [scheduled(seconds), readiness(ready, seconds)],
  containerStatuses: [{ name: "c", restartCount: 0, state: { running: {} } }],
});
const waiting = (reason: string, seconds = 5, more: object = {}, message = "") => ({
  phase: "Pending",
  startTime: ago(seconds),
  conditions: [scheduled(seconds), readiness("False", seconds)],
  containerStatuses: [
    { name: "c", restartCount: 0, state: { waiting: { reason, message } }, ...more },
  ],
});
const unscheduled = (message: string, seconds = 25) => ({
  phase: "Pending",
  conditions: [
    {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message,
      lastTransitionTime: ago(seconds),
    },
  ],
});
/** As kubelet leaves it (evictPod in pkg/kubelet/eviction). */
const evicted = (seconds: number) => ({
  phase: "Failed",
  reason: "Evicted",
  message:
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 87480Ki. Container c was using 53036Ki.",
  startTime: ago(1000),
  conditions: [
    { type: "DisruptionTarget", status: "True", lastTransitionTime: ago(seconds) },
    readiness("False", seconds),
  ],
});

const dns = pod("kube-system/coredns", running(1000, "True"));
const activator = "knative-serving/activator";

const sentences = (nodes: unknown[], pods: unknown[], all = watched): string[] =>
  troubleSentences(clusterTroubles({ items: nodes }, { items: pods }, now, all));

describe("troubles of a cluster", () => {
  const taint = (name: string) =>
    `0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/${name}: }. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.`;
  const said: [what: string, node: object, pods: object[], says: RegExp][] = [
    [
      "a node under MemoryPressure",
      node({ type: "MemoryPressure", status: "True", lastTransitionTime: ago(1) }),
      [],
      /^node edge: MemoryPressure: .* evicts pods and takes none without requests\. Stop other programs on the host/,
    ],
    [
      "a node under DiskPressure",
      node({ type: "DiskPressure", status: "True", lastTransitionTime: ago(1) }),
      [],
      /^node edge: DiskPressure: the disk of \/var\/lib\/k0s has less than 15 % free.* Free some disk on the host/,
    ],
    [
      "a node that is not Ready",
      node({
        type: "Ready",
        status: "Unknown",
        reason: "NodeStatusUnknown",
        message: "Kubelet stopped posting node status.",
        lastTransitionTime: ago(25),
      }),
      [],
      /^node edge: the node is not Ready: NodeStatusUnknown: Kubelet stopped posting node status\. See `journalctl/,
    ],
    [
      "a pod that was just evicted, without its figures",
      node(),
      [pod(activator, evicted(5))],
      /^knative-serving\/activator: evicted: The node was low on resource: memory\. Its controller makes another/,
    ],
    [
      "a pod that is Pending by the node's pressure",
      node(),
      [pod(activator, unscheduled(taint("memory-pressure")))],
      /^knative-serving\/activator: Pending: 0\/1 nodes are available: 1 node\(s\) had untolerated taint {node.kubernetes.io\/memory-pressure: }\. It starts when the pressure on the node is over\.$/,
    ],
    [
      "a pod for which there is no room",
      node(),
      [pod(activator, unscheduled("0/1 nodes are available: 1 Insufficient cpu."))],
      /: Pending: 0\/1 nodes are available: 1 Insufficient cpu\. The host has no room left .* resourcePolicy/,
    ],
    [
      "a pod that a cordoned node does not take",
      node(),
      [pod(activator, unscheduled("0/1 nodes are available: 1 node(s) were unschedulable."))],
      /uncordon/,
    ],
    [
      "a pod that is Pending for another reason",
      node(),
      [pod(activator, unscheduled("0/1 nodes are available: 1 node(s) didn't match."))],
      /didn't match\. See `k0s kubectl -n knative-serving describe pod activator-5f7-x2x`/,
    ],
    [
      "an image that cannot be pulled, with its consequence where it is CoreDNS",
      node(),
      [
        pod(
          "kube-system/coredns",
          waiting("ErrImagePull", 5, {}, 'failed to pull image "a.b/c:d":\n not found'),
        ),
      ],
      /^kube-system\/coredns: ErrImagePull: failed to pull image "a.b\/c:d": not found\. Check the image's name.* Without CoreDNS no name resolves/,
    ],
    [
      "a container that crashes, without the last words of its log",
      node(),
      [
        pod(
          activator,
          waiting("CrashLoopBackOff", 50, {
            restartCount: 1,
            lastState: { terminated: { exitCode: 137, reason: "OOMKilled", message: "token=x" } },
          }),
        ),
      ],
      /^knative-serving\/activator: crashes again and again: container c ended with exit code 137 \(OOMKilled\)\. See `k0s kubectl -n knative-serving logs activator-5f7-x2x --all-containers` on the host\.$/,
    ],
    [
      "a container that cannot be made, as of an init container",
      node(),
      [
        pod(activator, {
          ...waiting("PodInitializing"),
          initContainerStatuses: [
            {
              name: "i",
              state: { waiting: { reason: "RunContainerError", message: "exec: no such file" } },
            },
          ],
        }),
      ],
      /: RunContainerError: exec: no such file\. See .* describe pod/,
    ],
    [
      "a CoreDNS that runs and does not become ready",
      node(),
      [pod("kube-system/coredns", running(80))],
      /^kube-system\/coredns: runs and is not ready, .* Without CoreDNS/,
    ],
    [
      "another pod that runs and does not become ready",
      node(),
      [pod(activator, running(130))],
      /^knative-serving\/activator: runs and is not ready/,
    ],
    [
      "a pod that does not start for long",
      node(),
      [pod(activator, waiting("ContainerCreating", 190))],
      /is not started after 3 minutes/,
    ],
  ];
  for (const [what, oneNode, pods, says] of said) {
    it(`tell of ${what}`, () => {
      const withDns = JSON.stringify(pods).includes("coredns") ? pods : [dns, ...pods];
      const found = sentences([oneNode], withDns);
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", says);
    });
  }

  it("tell of a CoreDNS that has no pod, once the node has long been ready", () => {
    const old = node({ type: "Ready", status: "True", lastTransitionTime: ago(70) });
    assert.match(sentences([old], []).join(), /^kube-system\/coredns: CoreDNS has no pod\./);
    assert.deepEqual(sentences([node()], []), []);
    assert.deepEqual(sentences([old], [], { ...watched, coreDns: false }), []);
  });

  const quiet: [what: string, node: object, pods: object[]][] = [
    [
      "a cluster that starts: pods that are made, and run without being ready yet",
      node(),
      [
        pod("kube-system/coredns", running(50)),
        pod(activator, running(60)),
        pod("knative-serving/webhook", waiting("ContainerCreating", 100)),
        pod("knative-serving/controller", unscheduled("0/1 nodes are available.", 10)),
      ],
    ],
    [
      "a pod that has a node and that kubelet has not seen yet",
      node(),
      [
        dns,
        pod(
          activator,
          { phase: "Pending", conditions: [scheduled(1)] },
          { creationTimestamp: ago(1) },
        ),
      ],
    ],
    [
      "a node that k0s' restart made NotReady for a moment",
      node({ type: "Ready", status: "False", lastTransitionTime: ago(10) }),
      [dns],
    ],
    [
      "a pod that has run for days, and is not ready for a moment",
      node(),
      [
        dns,
        pod(activator, {
          ...running(500_000),
          conditions: [scheduled(500_000), readiness("False", 9)],
        }),
      ],
    ],
    [
      "a first crash",
      node(),
      [dns, pod(activator, waiting("CrashLoopBackOff", 5, { restartCount: 0 }))],
    ],
    ["a pod that was evicted long ago", node(), [dns, pod(activator, evicted(70))]],
    ["a Job's pod that is done", node(), [dns, pod(activator, { phase: "Succeeded" })]],
    [
      "a pod that is deleted",
      node(),
      [dns, pod(activator, running(500), { deletionTimestamp: ago(-20) })],
    ],
    [
      "a rollout's next pod, which waits for the room of the one before",
      node(),
      [
        dns,
        pod(activator, unscheduled("0/1 nodes are available: 1 Insufficient cpu.")),
        pod(activator, running(500, "True"), { deletionTimestamp: ago(-20) }),
      ],
    ],
    ["pods of others", node(), [dns, pod("mine/db", waiting("ErrImagePull"))]],
  ];
  for (const [what, oneNode, pods] of quiet) {
    it(`are none of ${what}`, () => assert.deepEqual(sentences([oneNode], pods), []));
  }

  it("tell of a service's pod, in whatever namespace", () => {
    const labels = { "serving.knative.dev/service": "hello" };
    const [sentence] = sentences(
      [node()],
      [dns, pod("default/hello-00001-deployment", waiting("ErrImagePull"), { labels })],
    );
    assert.match(sentence ?? "", /^default\/hello: ErrImagePull/);
  });

  it("tell one sentence for all pods with the same trouble", () => {
    const wait = unscheduled(taint("disk-pressure"));
    assert.match(
      sentences([node()], [dns, pod(activator, wait), pod("knative-serving/webhook", wait)]).join(),
      /^knative-serving\/activator, knative-serving\/webhook: Pending: [^\n]*$/,
    );
  });

  it("tell of CoreDNS, and not of what waits for its names", () => {
    const found = sentences(
      [node()],
      [pod("kube-system/coredns", waiting("ImagePullBackOff")), pod(activator, running(400))],
    );
    assert.match(found.join(), /^kube-system\/coredns: [^\n]*$/);
  });

  it("are none where the answer is no list", () => {
    for (const answer of [undefined, {}, { items: ["x"] }, "no"])
      assert.deepEqual(clusterTroubles(answer, answer, now, watched), []);
  });
});
