// Upstream's suites as a whole, on the smallest host. npm run test:lab has the quick cases of the ingress.
import { strict as assert } from "node:assert";
import { isFailed, runSuite } from "../../../lab/conformance/suite";
import type { SuiteName } from "../../../lab/conformance/suites";
import { ConformanceHost } from "../../../lab/conformance/host";
import { kubeconfigFile } from "../../../lab/engine";

describe("upstream's conformance suites", () => {
  const host = new ConformanceHost("edge13");

  for (const name of ["ingress", "api", "runtime"] satisfies SuiteName[]) {
    describe(name, () => {
      before(() => host.create([name], () => undefined));
      after(() => host.remove());

      it("passes", async () => {
        const cases = await runSuite(name, {
          kubeconfig: await kubeconfigFile(host.name),
          images: host.images,
          signal: new AbortController().signal,
          say: (line) => console.log(`      ${line}`),
        });
        assert.deepEqual(cases.filter(isFailed), []);
      });
    });
  }
});
