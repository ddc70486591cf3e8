import { strict as assert } from "node:assert";
import * as pulumi from "@pulumi/pulumi";
import { keepOutputsOutOfDebugLog } from "../../../program/debugLog";

describe("Pulumi's debug log", () => {
  const log = pulumi.log as { debug: typeof pulumi.log.debug };
  const { debug } = log;
  afterEach(() => (log.debug = debug));

  it("has no answers of the engine, in which secret outputs are plain", async () => {
    const lines: string[] = [];
    log.debug = (line) => Promise.resolve(void lines.push(line));
    keepOutputsOutOfDebugLog();
    await pulumi.log.debug(
      "RegisterResource RPC finished: a; err: null, resp: urn,\nclient-key: x",
    );
    await pulumi.log.debug("Registering resource: a");
    assert.deepEqual(lines, [
      "RegisterResource RPC finished: a; err: null, resp: left out, as it may hold secrets",
      "Registering resource: a",
    ]);
  });
});
