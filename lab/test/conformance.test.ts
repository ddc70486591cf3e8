import { strict as assert } from "node:assert";
import { CaseReader, casesText } from "../conformance/cases";
import { caseNames } from "../conformance/suites";

/** What `ingress.test -test.v=test2json` prints, shortened. */
const output = `^V=== RUN   TestIngress
^V=== RUN   TestIngress/basics
^V=== PAUSE TestIngress/basics
^V=== RUN   TestIngress/tls
    tls.go:40: no certificate here
^V=== RUN   TestIngress/grpc
    run.go:112: Skipping the test in skip-test flag
^V=== RUN   TestIngress/headers/probe
^V=== CONT  TestIngress/basics
    util.go:98: [ingress-conformance-0] Using port 71
^V=== NAME  TestIngress/headers/probe/a
    headers.go:81: Got: 3, want: 4
^V=== NAME  TestIngress/basics
^V=== RUN   TestIngress/update/one
^V--- PASS: TestIngress/basics (5.21s)
^V--- FAIL: TestIngress/headers/probe/a (0.10s)
^V--- FAIL: TestIngress/headers/probe (7.00s)
^V--- SKIP: TestIngress/tls (0.00s)
^V--- SKIP: TestIngress/grpc (0.00s)
^V--- FAIL: TestIngress (12.30s)
FAIL
`.replaceAll("^V", "\u0016");

describe("conformance cases", () => {
  const read = () => {
    const reader = new CaseReader();
    const ended = output.split("\n").flatMap((line) => reader.read(line) ?? []);
    assert.deepEqual(ended, reader.cases);
    return reader.cases;
  };

  it("are read with their own reasons, though they run side by side", () => {
    assert.deepEqual(read(), [
      { name: "basics", outcome: "passed", seconds: 5.21 },
      {
        name: "headers/probe/a",
        outcome: "failed",
        seconds: 0.1,
        reason: "headers.go:81: Got: 3, want: 4",
      },
      {
        name: "headers/probe",
        outcome: "failed",
        seconds: 7,
        reason: "headers.go:81: Got: 3, want: 4",
      },
      {
        name: "tls",
        outcome: "skipped",
        seconds: 0,
        reason: "tls.go:40: no certificate here",
      },
    ]);
  });

  it("have the names that upstream lists", () => {
    const source = `var stableTests = map[string]func(t *testing.T){
\t"basics":       TestBasics,
\t"basics/http2": TestBasicsHTTP2,
}
var betaTests = map[string]func(t *testing.T){
\t// Add your conformance test for beta features
\t"host-rewrite": TestRewriteHost,
}`;
    assert.deepEqual(caseNames(source), ["basics", "basics/http2", "host-rewrite"]);
  });

  it("are shown by name, and counted", () => {
    const lines = casesText(read()).split("\n");
    assert.match(lines[2] ?? "", /^basics +passed +5\.2$/);
    assert.match(lines[3] ?? "", /^headers\/probe +failed +7\.0 +headers\.go:81/);
    assert.equal(lines.at(-1), "1 passed, 2 failed, 1 skipped");
  });
});
