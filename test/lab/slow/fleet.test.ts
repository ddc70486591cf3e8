// `npm run fleet` over four hosts, of which one is off and one has a wrong configuration.
import { strict as assert } from "node:assert";
import { forgetStack, stackConfig } from "../../../lab/engine";
import { bootHost, hostFacts, powerOff, removeHost } from "../../../lab/host";
import { assertHello, script } from "../../support/lab";

const [good, alsoGood, off, refused] = ["edge11", "edge12", "edge13", "edge14"] as const;
const hosts = [good, alsoGood, off, refused];

describe("a fleet of four hosts", function () {
  before(async () => {
    for (const host of hosts) {
      await forgetStack(host);
      await removeHost(host);
      await bootHost(host);
      await stackConfig(host);
    }
    await powerOff(off);
    await stackConfig(refused, { knativeVersion: "1.99.0" });
  });

  after(async () => {
    for (const host of hosts) {
      await forgetStack(host);
      await removeHost(host);
    }
  });

  it("goes up at once; what fails stops no other, and is in the table and the exit code", async () => {
    const { code, stdout } = await script("fleet", [
      "up",
      "--stack",
      "edge1[1-4]",
      "--parallel",
      "4",
    ]);
    assert.equal(code, 1, stdout);
    for (const host of hosts) {
      assert.match(stdout, new RegExp(`^ +0 s  ${host}: up$`, "m"));
    }
    for (const host of [good, alsoGood]) {
      assert.match(stdout, new RegExp(`^ +\\d+ s  ${host}: \\d+ done, now create `, "m"));
      assert.match(stdout, new RegExp(`^${host} +ok +\\d+ create +\\d`, "m"));
      await assertHello(host);
    }
    const { address } = hostFacts(off);
    assert.match(stdout, new RegExp(`^${off} +failed `, "m"));
    assert.match(stdout, new RegExp(`^${off}: .*${address.replaceAll(".", "\\.")}`, "m"));
    assert.match(stdout, new RegExp(`^${refused} +failed +none `, "m"));
    assert.match(stdout, new RegExp(`^${refused}: .*"1\\.99\\.0" is not a release`, "m"));
    assert.match(stdout, /^2 of 4 stacks ok, in \d/m);
  });

  it("destroys the stacks that are named, and no other", async () => {
    const all = await script("fleet", ["destroy"]);
    assert.equal(all.code, 1);
    assert.match(all.stderr, /destroy needs --stack/);
    const { code, stdout } = await script("fleet", ["destroy", "--stack", alsoGood]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^1 of 1 stacks ok/m);
    await assertHello(good);
  });
});
