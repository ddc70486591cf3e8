import assert from "node:assert/strict";
import { DnsRecords } from "../../../../components/tls/dnsRecords";

describe("the command for DNS records", () => {
  const said: string[] = [];
  const records = (command: string, patience?: number): DnsRecords => {
    said.length = 0;
    return new DnsRecords(command, (line) => said.push(line), patience);
  };

  it("is told what to do with which record, one at a time", async () => {
    const all = records('echo "$ACME_ACTION $ACME_NAME=$ACME_VALUE"; sleep 0.1; echo done');
    await Promise.all([all.add("a.example.com", "x"), all.add("a.example.com", "y")]);
    await all.remove("a.example.com", "x");
    assert.deepEqual(
      said.filter((line) => !line.includes(" TXT ")),
      ["add", "add", "remove"].flatMap((action, index) => [
        `${action} _acme-challenge.a.example.com=${index === 1 ? "y" : "x"}`,
        "done",
      ]),
    );
  });

  it("that fails says why, and the next one runs all the same", async () => {
    const all = records("echo no such zone >&2; exit 4");
    const failed = {
      message:
        "tls.dnsCommand did not add the record _acme-challenge.a.example.com (exit code 4): no such zone; " +
        "run it by hand as docs/services.md shows.",
    };
    await assert.rejects(all.add("a.example.com", "x"), failed);
    await assert.rejects(all.remove("a.example.com", "x"), /did not remove the record/);
  });

  it("that hangs is ended", async () => {
    const all = records("exec sleep 60", 200);
    await assert.rejects(all.add("a.example.com", "x"), /\(not within 0\.2 s\); run it by hand/);
  });
});
