import { strict as assert } from "node:assert";
import { explainFailure, Place } from "../../../../stack/errors/errorRules";

const place = {
  host: { address: "192.0.2.10", port: 22, user: "edge", privateKey: "secret" },
  apiEndpoint: "https://192.0.2.10:6443",
} as unknown as Place;
const behindJump = {
  ...place,
  host: { ...place.host, jump: { ...place.host, address: "198.51.100.1" } },
} as Place;

const ssh = "command:remote:Command";
const object = "kubernetes:core/v1:ConfigMap";

/** Providers' words as recorded (../shared/reference/provider-behaviour.md) or from their sources, and what they mean. */
const cases: [type: string, error: string, says: RegExp, mayPass?: true, at?: Place][] = [
  [
    ssh,
    "after 5 failed attempts: ssh: handshake failed: ssh: host key mismatch",
    /^edge@192\.0\.2\.10:22 shows another SSH host key than sshHostKey: nothing was sent/,
  ],
  [
    ssh,
    "after 5 failed attempts: ssh: handshake failed: ssh: no common algorithm for host key; client offered: [ssh-rsa], server offered: [ssh-ed25519]",
    /no SSH host key of the type in sshHostKey/,
  ],
  [
    ssh,
    "after 5 failed attempts: ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain",
    /does not accept the key in sshPrivateKey: .* ~edge\/\.ssh\/authorized_keys/,
  ],
  [
    ssh,
    "proxy: after 5 failed attempts: ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain",
    /does not accept the key in sshPrivateKey: .* Or it is the jump host 198\.51\.100\.1: see jumpUser/,
    undefined,
    behindJump,
  ],
  [
    ssh,
    "after 5 failed attempts: dial tcp 192.0.2.10:22: connect: connection refused",
    /^edge@192\.0\.2\.10:22 cannot be reached by SSH \(connection refused\): check that the machine is on/,
  ],
  [ssh, "after 5 failed attempts: dial tcp 192.0.2.10:22: i/o timeout", /\(i\/o timeout\)/],
  [
    ssh,
    "proxy: after 5 failed attempts: ssh: rejected: connect failed (No route to host)",
    /^The jump host 198\.51\.100\.1 does not reach 192\.0\.2\.10:22 \(connect failed \(No route to host\)\)/,
    undefined,
    behindJump,
  ],
  [
    ssh,
    "proxy: after 5 failed attempts: dial tcp 198.51.100.1:22: connect: no route to host",
    /^edge@192\.0\.2\.10:22 by way of 198\.51\.100\.1 cannot be reached/,
    undefined,
    behindJump,
  ],
  [
    ssh,
    "after 5 failed attempts: dial tcp: lookup edge.invalid on 127.0.0.53:53: no such host",
    /^The name edge\.invalid does not resolve here/,
  ],
  [
    ssh,
    "dial unix /tmp/ssh-a/agent.1: connect: no such file or directory",
    /^SSH_AUTH_SOCK names an SSH agent at \/tmp\/ssh-a\/agent\.1 that does not answer \(connect: no such file/,
  ],
  [
    ssh,
    "after 5 failed attempts: ssh: handshake failed: EOF",
    /closed the connection before the login \(EOF\)/,
  ],
  [
    ssh,
    'wait: remote command exited without exit status or exit signal: running "sh -s":\nk0s: downloading',
    /The connection to edge@192\.0\.2\.10:22 was cut while host-binary ran: run pulumi up again/,
  ],
  [
    object,
    'configured Kubernetes cluster is unreachable: unable to load schema information from the API server: Get "https://192.0.2.10:6443/openapi/v2?timeout=32s": dial tcp 192.0.2.10:6443: connect: connection refused',
    /^The Kubernetes API at https:\/\/192\.0\.2\.10:6443 does not answer \(.*connection refused\)/,
  ],
  [
    object,
    'configured Kubernetes cluster is unreachable: unable to load schema information from the API server: Get "https://192.0.2.10:6443/openapi/v2?timeout=32s": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-21T10:00:00Z is before 2026-11-22T09:55:00Z',
    /is not valid at this machine's time \(current time .*\): set the clocks/,
  ],
  [
    object,
    'configured Kubernetes cluster is unreachable: ... Get "https://192.0.2.10:6443/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    /another cluster answers than this stack's/,
  ],
  [
    "kubernetes:serving.knative.dev/v1:Service",
    'resource "urn:..." was not successfully created by the Kubernetes API server: Internal error occurred: failed calling webhook "webhook.serving.knative.dev": failed to call webhook: Post "https://webhook.knative-serving.svc:443/defaulting?timeout=10s": dial tcp 10.96.1.2:443: connect: connection refused',
    /^The webhook webhook\.serving\.knative\.dev, which host-binary must pass, does not answer \(.*connection refused\)/,
    true,
  ],
  [
    "kubernetes:serving.knative.dev/v1:Service",
    'the Kubernetes API server reported that "shop/api" failed to fully initialize or become live: admission webhook "validation.webhook.serving.knative.dev" denied the request: validation callback failed: dry run failed with pods "dry-run-validationcf5v2" is forbidden: exceeded quota: services, requested: pods=1, used: pods=2, limited: pods=2: spec.template',
    /^The quota of the namespace of host-binary has no room for another pod now \(pods=1, used: pods=2, limited: pods=2\): /,
    true,
  ],
  [
    object,
    'update of resource "urn:..." failed: Patch "https://192.0.2.10:6443/api/v1/...": dial tcp 192.0.2.10:6443: connect: connection refused',
    /^The Kubernetes API at https:\/\/192\.0\.2\.10:6443 went away while host-binary was applied \(connection refused\)/,
    true,
  ],
  [
    // An API server that has just started, seen in the lab after its process was killed.
    object,
    'resource "urn:..." was not successfully created by the Kubernetes API server: the request has been made before all known HTTP paths have been installed, please try again',
    /^The Kubernetes API at https:\/\/192\.0\.2\.10:6443 went away while host-binary was applied \(request has been made/,
    true,
  ],
  [
    object,
    'Patch "https://192.0.2.10:6443/api/v1/...": http2: client connection lost',
    /went away/,
    true,
  ],
  [
    "kubernetes:core/v1:Service",
    'resource "urn:..." was successfully created, but the Kubernetes API server reported that it failed to fully initialize or become live: timed out waiting for the condition',
    /was given no load balancer address.* loadBalancerPool/,
  ],
  [
    "kubernetes:apps/v1:Deployment",
    'resource "urn:..." was successfully created, but the Kubernetes API server reported that it failed to fully ' +
      "initialize or become live: 'activator' timed out waiting to be Ready",
    /activator was not ready in time.* CoreDNS may be what is wrong: look at the pods/,
  ],
];

describe("an explained failure", () => {
  for (const [type, error, says, mayPass = false, at = place] of cases) {
    it(`says what to do about ${error.slice(0, 60)}`, () => {
      const explanation = explainFailure({ type, name: "host-binary", error }, at);
      assert.match(explanation?.sentence ?? "", says);
      assert.equal(explanation?.mayPass, mayPass);
    });
  }

  it("of a Knative Service has what its pods say", () => {
    const failed = {
      type: "kubernetes:serving.knative.dev/v1:Service",
      name: "hello-service",
      error: "... failed to fully initialize or become live: timed out waiting for the condition",
    };
    assert.match(
      explainFailure({ ...failed, pods: ["hello-1: ImagePullBackOff: no"] }, place)?.sentence ?? "",
      /^The Knative Service of hello-service was not Ready in time: its pod hello-1: ImagePullBackOff: no\. Correct/,
    );
    assert.match(explainFailure(failed, place)?.sentence ?? "", /see `k0s kubectl describe ksvc/);
  });

  it("of a Job has what its pods say", () => {
    const failed = {
      type: "kubernetes:batch/v1:Job",
      name: "domain-job",
      error: "... failed to fully initialize or become live: 'job' timed out waiting to be Ready",
      pods: ["job-x: Unschedulable: 0/1 nodes are available"],
    };
    assert.match(
      explainFailure(failed, place)?.sentence ?? "",
      /^The Job of domain-job did not complete: its pod job-x: Unschedulable: .* replaces it\.$/,
    );
  });

  it("is none where the provider's words are as good", () => {
    for (const [type, error] of [
      [ssh, 'Process exited with status 1: running "sh -s":\nedge: port 6443 is in use by nginx'],
      [object, 'ConfigMap "x" is invalid: metadata.name: Invalid value'],
      ["command:local:Command", "dial tcp 192.0.2.10:22: connect: connection refused"],
    ] as const) {
      assert.equal(explainFailure({ type, name: "x", error }, place), undefined);
    }
  });

  it("names the settings of the worker that a resource is of", () => {
    const worker = {
      ...place.host,
      name: "shelf",
      address: "192.0.2.11",
      size: { cpus: "1", memoryMiB: 1536 },
      labels: {},
      taints: [],
      generation: 1,
      abandoned: false,
    };
    const sentenceOf = (name: string): string =>
      explainFailure(
        { type: ssh, name, error: "ssh: handshake failed: ssh: host key mismatch" },
        { ...place, workers: [worker] },
      )?.sentence ?? "";
    assert.match(
      sentenceOf("worker-shelf-preflight"),
      /@192\.0\.2\.11:22 shows another SSH host key than workers\.shelf\.sshHostKey: .* raise workers\.shelf\.generation/,
    );
    assert.match(sentenceOf("host-preflight"), /than sshHostKey: .* raise hostGeneration/);
  });
});
