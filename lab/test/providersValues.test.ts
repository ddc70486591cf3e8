import assert from "node:assert/strict";
import fc from "fast-check";
import {
  containsSecret,
  containsUnknown,
  equal,
  formatPath,
  marshal,
  Obj,
  parsePath,
  pathContains,
  reveal,
  Secret,
  unknown,
  unmarshal,
} from "../providers/values";
import { nameOf, typeOf } from "../providers/server";

describe("lab providers: property values", () => {
  it("survive the wire, secrets and unknowns included", () => {
    const value: Obj = {
      a: [1, "x", null, true],
      s: new Secret({ k: "v" }),
      u: unknown,
      o: { n: {} },
    };
    const back = unmarshal(marshal(value));
    assert.ok(back.s instanceof Secret && equal(back.s.element, { k: "v" }));
    assert.ok(containsUnknown(back) && containsSecret(back));
    assert.deepEqual(back.a, value.a);
    assert.deepEqual(reveal({ s: new Secret({ k: new Secret(1) }) }), { s: { k: 1 } });
  });

  it("refuse assets", () => {
    const asset = {
      a: { "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", text: "x" },
    };
    assert.throws(() => unmarshal(marshal(asset)), /cannot take an asset/);
  });

  it("are equal by content, but a secret never equals plain text, nor an unknown anything", () => {
    assert.ok(equal({ a: [1, { b: null }] }, { a: [1, { b: null }] }));
    assert.ok(!equal({ a: 1 }, { a: 1, b: undefined as never }));
    assert.ok(equal(new Secret("x"), new Secret("x")));
    assert.ok(!equal(new Secret("x"), "x"));
    assert.ok(!equal(unknown, unknown));
  });

  it("have paths in the engine's syntax", () => {
    const path = ["metadata", "labels", "app.kubernetes.io/name"];
    assert.equal(formatPath(path), 'metadata.labels["app.kubernetes.io/name"]');
    assert.equal(formatPath(["spec", "containers", 0, "env"]), "spec.containers[0].env");
    assert.deepEqual(parsePath("spec.containers[*].env"), ["spec", "containers", "*", "env"]);
    assert.throws(() => parsePath("a[x]"), /failed to parse ignore path/);
    assert.ok(pathContains(parsePath("spec.a"), parsePath("spec.a[0].b")));
    assert.ok(pathContains(parsePath("spec.a[*].b"), parsePath("spec.a[3].b")));
    assert.ok(!pathContains(parsePath("spec.ab"), parsePath("spec.a")));
    const element = fc.oneof(
      fc.string({ minLength: 1 }).filter((s) => s !== "*" && !s.includes("\\")),
      fc.nat(99),
    );
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }).filter((s) => /^\w+$/.test(s)),
        fc.array(element),
        (first, rest) => {
          assert.deepEqual(parsePath(formatPath([first, ...rest])), [first, ...rest]);
        },
      ),
    );
  });

  it("are named by URNs", () => {
    const urn =
      "urn:pulumi:dev::p::knative-edge:index:K0sHost$command:remote:Command::host-ready::x";
    assert.equal(typeOf(urn), "command:remote:Command");
    assert.equal(nameOf(urn), "host-ready::x");
  });
});
