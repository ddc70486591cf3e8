// What an `up` says of the pods that it waits for.
import { strict as assert } from "node:assert";
import { LabStack, said } from "../../support/labStack";

const lab = new LabStack("edge9");

describe("an up that waits for pods", () => {
  before(async () => {
    await lab.create();
    await lab.converges();
  });
  after(() => lab.remove());

  it("names what keeps pods from starting while an up runs: CoreDNS without an image, a pod without a place", async () => {
    const sample = { image: "ghcr.io/knative/helloworld-go:latest" };
    await lab.kubectl(
      "-n kube-system set image deployment/coredns coredns=registry.lab/coredns:none",
    );
    await lab.kubectl(`taint node ${lab.host} lab/full=:NoSchedule`);
    await lab.configure({ services: { waiting: sample } });
    const running = await lab.start();
    try {
      await said(
        running,
        /kube-system\/coredns: (ErrImagePull|ImagePullBackOff|Pending): [^]*Without CoreDNS no name resolves/,
        120,
      );
      await said(running, /waiting: Pending: [^]* untolerated taint/, 300);
    } finally {
      await lab.kubectl(`taint node ${lab.host} lab/full-`);
      await lab.kubectl("-n kube-system rollout undo deployment/coredns");
    }
    assert.equal(await running.ended, 0, running.output());
    lab.printed.push(running.output());
    await lab.configure({ services: undefined });
    await lab.converges();
  });
});
