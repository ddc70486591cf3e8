import assert from "node:assert/strict";
import { certificateMove } from "../../../../cli/lib/certificateMove";
import { TlsConfig } from "../../../../components/tls/tlsConfig";
import { certificateFor } from "../../../support/certificates";

const tls = { issuer: { kind: "ca" }, names: [], redirect: false, certificates: {} } as TlsConfig;
const old = { certificate: { ends: "2027-02-01T00:00:00.000Z" } };

describe("the certificate in a preview's summary", () => {
  for (const [what, last, config, isAnother, lines] of [
    ["of a stack without HTTPS", {}, {}, false, []],
    ["that stays", old, { tls }, false, ["- valid until 2027-02-01"]],
    ["that is the first", {}, { tls }, true, ["- a new one by the stack's own CA"]],
    [
      "that is renewed",
      old,
      { tls },
      true,
      ["- valid until 2027-02-01 → a new one by the stack's own CA"],
    ],
    ["that goes", old, {}, false, ["- none: services answer by HTTP alone from then on"]],
  ] as [string, object, { tls?: TlsConfig }, boolean, string[]][]) {
    it(what, () => assert.deepEqual(certificateMove(last, config, isAnother), lines));
  }

  it("that is given has its end", async () => {
    const pair = await certificateFor(["hello.default.edge.example.com"]);
    const given = { ...tls, issuer: { kind: "given", pair } } as TlsConfig;
    const year = new Date(Date.now() + 365 * 86_400_000).toISOString().slice(0, 10);
    assert.deepEqual(certificateMove(old, { tls: given }, true), [
      `- valid until 2027-02-01 → valid until ${year}`,
    ]);
  });
});
