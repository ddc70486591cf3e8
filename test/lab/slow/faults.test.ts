// Faults of a stack that is up which take long, or whose repair does.
import { strict as assert } from "node:assert";
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pulumi, type StackConfig } from "../../../lab/engine";
import { hostFile, serveOnBridge } from "../../support/faults";
import { again, bringUp, Fault, faultCases } from "../../support/faultCases";
import { eventually, packedK0s } from "../../support/lab";
import { LabStack, said } from "../../support/labStack";

const lab = new LabStack("edge5");
const dropIn = "/etc/systemd/system/k0scontroller.service.d/fault.conf";
const network = "/etc/cni/net.d/10-kuberouter.conflist";

/** Another k0s, to be downloaded: an upgrade in place. */
const newer = () => packedK0s("v1.34.4+k0s.0");

let server: Awaited<ReturnType<typeof serveOnBridge>> | undefined;
async function downloadFrom(...answer: Parameters<typeof serveOnBridge>): Promise<StackConfig> {
  server = await serveOnBridge(...answer);
  return { ...(await newer()), k0sUrl: `${server.url}/k0s` };
}
const endServer = () => server?.close();

const faults: Fault[] = [
  {
    what: "a host whose clock is a day ahead",
    // Preflight alone reads it.
    config: () => ({ sshUser: undefined, hostMemoryMiB: 1530 }),
    breaks: () =>
      writeFileSync(
        hostFile(lab.host, "/usr/local/bin/date"),
        '#!/bin/sh\n[ "$*" = +%s ] || exec /usr/bin/date "$@"\necho $(($(/usr/bin/date +%s) + 86400))\n',
        { mode: 0o755 },
      ),
    says: /the host's clock differs by 86[34]\d\d s from that of \S+, and certificates made now would be refused/,
    mends: () => rmSync(hostFile(lab.host, "/usr/local/bin/date")),
  },
  {
    what: "a mirror that does not have the file",
    config: () => downloadFrom((_, response) => response.writeHead(404).end()),
    says: /could not download http:\S+ \(attempt 1\): curl: \(22\).* 404\. Check k0sUrl/,
    mends: endServer,
    then: again,
  },
  {
    what: "a download that is cut each time",
    config: () =>
      downloadFrom((_, response) => {
        response.writeHead(200, { "content-length": "1000000" });
        response.write("x".repeat(5000), () => response.destroy());
      }),
    says: /could not download http:\S+ \(attempt 3\): curl: \(18\).*and that this host reaches the address/,
    mends: endServer,
    then: again,
  },
  {
    what: "a full disk",
    config: newer,
    // k0s is kept in a disk of its own, which has room for half of another.
    breaks: () =>
      lab.ssh(`set -e; cp -a /usr/local/bin /usr/local/bin.full; size=$(stat -c %s /usr/local/bin/k0s)
mount -t tmpfs -o size=$((size * 3 / 2)) none /usr/local/bin; cp -a /usr/local/bin.full/. /usr/local/bin`),
    says: /no space is left on the disk of \/usr\/local\/bin\S* after \d+ MiB of http:\S+: nothing was put in place/,
    mends: () => lab.ssh("umount /usr/local/bin; rm -r /usr/local/bin.full"),
  },
  {
    what: "a binary with another checksum",
    // Back to the lab's own.
    config: () => ({ allow: ["k0sDowngrade"], k0sSha256: "ab".repeat(32) }),
    says: /has the sha256 [0-9a-f]{64}, but (ab){32} is expected: nothing was put in place/,
    then: () => ({ allow: ["k0sDowngrade"] }),
  },
  {
    what: "a k0s that does not start",
    config: () => ({ ...again(), allow: undefined }),
    breaks: () =>
      lab.ssh(`mkdir -p ${path.dirname(dropIn)}; systemctl stop k0scontroller
printf '[Service]\\nExecStartPre=/bin/sh -c "echo no such device; exit 1"\\n' >${dropIn}; systemctl daemon-reload`),
    says: /no such device[^]*systemd could not start k0scontroller: its last words are above/,
    mends: () => lab.ssh(`rm ${dropIn}; systemctl daemon-reload`),
  },
  {
    what: "a node that is never Ready",
    config: () => ({ readyTimeoutSeconds: 30 }),
    breaks: async () => {
      await lab.ssh(`mv ${network} /root`);
      await eventually("the node is not Ready", 90, async () =>
        (await lab.kubectl("get nodes")).includes("NotReady"),
      );
    },
    says: /not ready within 30 s: a Ready node was not reached \(\S+: .*network.*\)/,
    // containerd reads a file that was written, not one that was moved there (syncLoop in internal/cri/server/cni_conf_syncer.go).
    mends: () => lab.ssh(`cat /root/${path.basename(network)} >${network}`),
    then: again,
  },
  {
    what: "a load balancer without a free address",
    // A stack that has lost its Service, as with a state from before it was made, and a pool of one address.
    breaks: async () => {
      const { stdout } = await pulumi(["stack", "--show-urns"], { stack: lab.stack });
      const urn = /urn:\S+core\/v1:Service::kourier-kourier-system\/kourier@.+$/m.exec(stdout)?.[0];
      assert.ok(urn !== undefined, stdout);
      await pulumi(["state", "delete", urn, "--target-dependents", "--yes"], { stack: lab.stack });
      await lab.kubectl("create service loadbalancer thief --tcp=80");
      await lab.kubectl("-n kourier-system delete service kourier");
      // MetalLB may take its time; the address is to be the thief's before kourier asks for it again.
      await eventually("the thief has the address", 300, async () =>
        (await lab.kubectl("get service thief -o jsonpath={.status.loadBalancer}")).includes("ip"),
      );
    },
    says: /The Service of kourier-kourier-system\/kourier was given no load balancer address: .* loadBalancerPool is taken/,
    mends: () => lab.kubectl("delete service thief"),
  },
  {
    what: "a Job that fails",
    config: () => ({
      services: undefined,
      resourceOverrides: { "default-domain/default-domain": { limits: { memory: "400Mi" } } },
    }),
    // Where it cannot be scheduled, the new Job runs into a deadline that it is given meanwhile.
    breaks: async () => {
      await lab.kubectl(`cordon ${lab.host}`);
      const before = await lab.kubectl(jobUid);
      // Where it fails, the up goes on until it is patient no more, and what it then says is what fails the test.
      failJob(before).catch((error: Error) =>
        console.log(`the Job was not failed: ${error.message}`),
      );
    },
    says: /The Job of domain-knative-serving\/default-domain did not complete: [^]*\[DeadlineExceeded\] Job was active/,
    mends: () => lab.kubectl(`uncordon ${lab.host}`),
  },
];

const jobUid = "-n knative-serving get job default-domain -o jsonpath={.metadata.uid}";
/** Fails the Job that takes the place of the one before. */
async function failJob(before: string): Promise<void> {
  await eventually("another Job", 600, async () => (await lab.kubectl(jobUid)) !== before);
  await lab.kubectl(
    `-n knative-serving patch job default-domain -p '{"spec":{"activeDeadlineSeconds":1}}'`,
  );
}

describe("faults of a stack that is up, which take long", () => {
  before(() => bringUp(lab));
  after(() => lab.remove());

  faultCases(lab, faults);

  it("goes on by itself when the API server restarts while objects are applied", async () => {
    // Knative's pods take a while to be replaced, and what comes after them finds no API server.
    await lab.configure({
      resourceOverrides: { "controller/controller": { requests: { cpu: "45m" } } },
      services: { after: { image: "ghcr.io/knative/helloworld-go:latest" } },
    });
    const running = await lab.start();
    await said(running, /controller updating/, 600);
    await lab.ssh("pkill -9 -x kube-apiserver");
    assert.equal(await running.ended, 0, running.output());
    lab.printed.push(running.output());
    await lab.converges();
  });

  it("waits for a webhook that refuses for a minute", async () => {
    await lab.configure({
      services: { after: { image: "ghcr.io/knative/helloworld-go:latest", env: { A: "b" } } },
    });
    await lab.kubectl("-n knative-serving scale deployment webhook --replicas=0");
    await lab.kubectl("-n knative-serving wait --for=delete pod -l app=webhook --timeout=120s");
    const running = await lab.start();
    try {
      await said(
        running,
        /The webhook \S*webhook.serving.knative.dev, which after-service must pass, does not answer \(.*\): .* Trying again for three minutes/,
        600,
      );
    } finally {
      await lab.kubectl("-n knative-serving scale deployment webhook --replicas=1");
    }
    assert.equal(await running.ended, 0, running.output());
    lab.printed.push(running.output());
    await lab.configure({ services: undefined, resourceOverrides: undefined });
    await lab.converges();
  });
});
