// An interruption of the first `up` in each phase, one after the other.
import { interruptionCases } from "../../support/interruptionCases";
import { LabStack } from "../../support/labStack";

const lab = new LabStack("edge7");

describe("a host that is set up, one interruption after the other", () => {
  before(() => lab.create());
  after(() => lab.remove());

  interruptionCases(
    lab,
    [
      ["host-preflight", "nproc"],
      ["host-binary", "mktemp"],
      ["host-config", "cmp"],
      ["host-install", "systemctl"],
      ["host-ready", "awk"],
      ["host-kubeconfig", "timeout", "kubeconfig"],
      ["(metallb|knative)-admission", "timeout", "dry-run"],
    ],
    ["kourier-kourier-system/kourier", "hello-service"],
  );
});
