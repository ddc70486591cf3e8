import assert from "node:assert/strict";
import { KubernetesObject } from "../../../../components/cluster/kubernetesObject";
import { policies, PolicyName } from "../../../../stack/resources/policies";
import { policyMove } from "../../../../stack/resources/policyMove";
import { transformAll } from "../../../../stack/render/transforms";
import { testConfig } from "../../../support/config";
import { find, fixture } from "../../../support/fixtures";

function activator(resourcePolicy: PolicyName): KubernetesObject {
  const objects = transformAll(fixture("serving.yaml"), testConfig({ resourcePolicy }));
  return find(objects, "Deployment", "activator");
}

describe("a policy that moves", () => {
  it("is told of where a stack goes over to edge, with how to keep the old one", () => {
    for (const policy of Object.keys(policies) as PolicyName[]) {
      const sentence = policyMove(activator(policy), activator("edge"));
      assert.equal(sentence === undefined, policy === "edge", policy);
    }
    assert.match(
      policyMove(activator("scale"), activator("edge")) ?? "",
      /^The resource policy of this stack becomes edge, .*`pulumi config set resourcePolicy scale`/,
    );
  });

  it("is not told of where edge was left, or the stack never had it", () => {
    for (const policy of ["scale", "upstream", "guaranteed"] as const) {
      assert.equal(policyMove(activator("edge"), activator(policy)), undefined);
      assert.equal(policyMove(activator("scale"), activator(policy)), undefined);
    }
  });
});
