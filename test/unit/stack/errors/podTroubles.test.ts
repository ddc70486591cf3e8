import { strict as assert } from "node:assert";
import { podTroubles } from "../../../../stack/errors/podTroubles";

const pod = (status: object) => ({ metadata: { name: "hello-1" }, status });
const container = (more: object) => ({ containerStatuses: [{ name: "user-container", ...more }] });

describe("troubles of pods", () => {
  for (const [what, status, says] of [
    [
      "an image that cannot be pulled",
      container({
        state: {
          waiting: { reason: "ImagePullBackOff", message: 'Back-off pulling image "a.b/c:d"' },
        },
      }),
      ['hello-1: ImagePullBackOff: Back-off pulling image "a.b/c:d"'],
    ],
    [
      "what ended a container that is started again and again",
      container({
        state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 10s" } },
        lastState: { terminated: { exitCode: 137, reason: "OOMKilled" } },
      }),
      ["hello-1: container user-container ended with exit code 137: OOMKilled"],
    ],
    [
      "a pod for which there is no room",
      {
        conditions: [
          {
            type: "PodScheduled",
            status: "False",
            reason: "Unschedulable",
            message: "0/1 nodes are available: 1 Insufficient cpu.",
          },
        ],
      },
      ["hello-1: Unschedulable: 0/1 nodes are available: 1 Insufficient cpu."],
    ],
    [
      "nothing of a container that starts",
      container({ state: { waiting: { reason: "ContainerCreating" } } }),
      [],
    ],
    ["nothing of one that runs", container({ state: { running: {} } }), []],
  ] as const) {
    it(`tell ${what}`, () => assert.deepEqual(podTroubles({ items: [pod(status)] }), says));
  }

  it("are none where the answer is no list of pods", () => {
    for (const answer of [undefined, {}, { items: ["x", {}] }, "no"])
      assert.deepEqual(podTroubles(answer), []);
  });
});
