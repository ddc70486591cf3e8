import assert from "node:assert/strict";
import { admitService } from "../../../../../components/knative/admission/serviceAdmission";
import { admissionCases } from "../../../../support/admissionCases";

describe("admission of a Knative Service", () => {
  for (const { what, service, refused, features, configMaps } of admissionCases) {
    it(`${refused.length === 0 ? "admits" : "refuses"} ${what}`, () => {
      const admission = admitService(service, configMaps);
      assert.deepEqual(
        admission.problems.map(({ key }) => key).sort(),
        [...refused].sort(),
        JSON.stringify(admission.problems),
      );
      assert.deepEqual(admission.features, features);
    });
  }
});
