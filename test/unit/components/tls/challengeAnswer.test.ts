import assert from "node:assert/strict";
import * as http from "node:http";
import { AddressInfo } from "node:net";
import { answersChallenges } from "../../../../components/tls/challengeAnswer";

const account = { thumbprint: "thumb" };

/** A gateway that answers its first requests with something else. */
async function withGateway(
  answers: string[],
  use: (address: string) => Promise<void>,
): Promise<string[]> {
  const asked: string[] = [];
  const server = http.createServer(({ url }, response) => {
    asked.push(url ?? "");
    response.end(answers[Math.min(asked.length, answers.length) - 1]);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.close();
  }
  return asked;
}

describe("a gateway that is to answer challenges", () => {
  it("is waited for until it answers for the account", async () => {
    const answers = ["no such service", "knative-edge.another", "knative-edge.thumb"];
    const asked = await withGateway(answers, async (address) => {
      assert.equal(await answersChallenges(address, account), true);
    });
    assert.deepEqual(asked, Array(3).fill("/.well-known/acme-challenge/knative-edge"));
  });

  it("is waited for no longer than the deadline, if nobody answers or another", async () => {
    await withGateway(["no such service"], async (address) => {
      assert.equal(await answersChallenges(address, account, 0.6), false);
    });
    assert.equal(await answersChallenges("127.0.0.1:1", account, 0.1), false);
  });
});
