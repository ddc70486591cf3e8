import assert from "node:assert/strict";
import { ScratchHost } from "../../../support/scratchHost";

const refusal =
  'Internal error occurred: failed calling webhook "pool.example": connection refused';

describe("admission.sh", () => {
  let host: ScratchHost;
  beforeEach(() => {
    host = new ScratchHost();
    // Admits once there were as many dry runs as $F/refusals has lines, and notes what else it is asked.
    host.write(
      "usr/local/bin/k0s",
      `#!/bin/sh
case "$*" in
*annotate*) echo "$*" >>"${host.path("fake")}/annotated" ;;
*--dry-run=server*)
  cat >"${host.path("fake")}/object"
  echo x >>"${host.path("fake")}/runs"
  [ "$(grep -c x "${host.path("fake")}/runs")" -gt "$(cat "${host.path("fake")}/refusals")" ] || {
    echo 'Error from server: ${refusal}' >&2
    exit 1
  } ;;
*) exit 2 ;;
esac
`,
      0o755,
    );
  });
  afterEach(() => host.dispose());

  const object = '{"kind":"IPAddressPool"}';

  it("ends at once when the object is admitted", async () => {
    host.write("fake/refusals", "0");
    const { code, stdout, stderr } = await host.run("admission", { OBJECT: object, TIMEOUT: "60" });
    assert.deepEqual([code, stdout, stderr], [0, "", ""]);
    assert.equal(host.read("fake/object"), object);
  });

  it("waits as long as a webhook refuses, and has its pods synced meanwhile", async () => {
    host.write("fake/refusals", "3");
    const { code, stderr } = await host.run("admission", {
      OBJECT: object,
      TIMEOUT: "60",
      WEBHOOK_PODS: "metallb-system app=metallb,component=controller",
    });
    assert.equal(code, 0);
    assert.match(stderr, /^waiting for admission: .*pool\.example.*\n$/);
    assert.match(
      host.read("fake/annotated"),
      /-n metallb-system annotate pods -l app=metallb,component=controller --overwrite knative-edge\/synced=\d+/,
    );
  });

  it("names the webhook that still refuses at the deadline", async () => {
    host.write("fake/refusals", "1000");
    const { code, stderr } = await host.run("admission", { OBJECT: object, TIMEOUT: "0" });
    assert.equal(code, 1);
    assert.match(stderr, /still refuses the next object after 0 s: .*"pool\.example"/);
    assert.ok(!host.exists("fake/annotated"));
  });

  it("has a limit on every call, for the deadline is looked at between them", async () => {
    host.write("fake/refusals", "1");
    host.fake("timeout", 'echo "$*" >>$F/log; shift; exec "$@"');
    await host.run("admission", { OBJECT: object, TIMEOUT: "60", WEBHOOK_PODS: "a app=b" });
    const calls = host.read("fake/log").trim().split("\n");
    assert.equal(calls.length, 3);
    for (const call of calls) {
      assert.match(call, /^30 \S+\/k0s kubectl .*--request-timeout=20s /);
    }
  });
});
