import assert from "node:assert/strict";
import {
  autoscalerEvidence,
  deploymentEvidence,
  eventEvidence,
  eventTime,
  type Evidence,
  podEvidence,
} from "../../../../../cli/lib/load/evidence";
import { marksOf, phasesOf } from "../../../../../cli/lib/load/phases";

const times = { sent: 1000, connected: 1002, firstByte: 2000 };

describe("the phases of a cold start", () => {
  it("are the times between proofs, from the request to the first byte", () => {
    const evidence: Evidence[] = [
      { milestone: "scaleAsked", at: 1100 },
      { milestone: "podMade", pod: "a", containers: 2, at: 1150 },
      { milestone: "scheduled", pod: "a", at: 1160 },
      { milestone: "sandbox", pod: "a", at: 1500 },
      { milestone: "containersStarted", pod: "a", at: 1800 },
      { milestone: "podReady", pod: "a", at: 1950 },
      { milestone: "knativeReady", at: 1980 },
    ];
    const marks = marksOf(evidence, times);
    assert.deepEqual(marks, {
      gateway: 2,
      scaleAsked: 100,
      podMade: 150,
      scheduled: 160,
      sandbox: 500,
      containersStarted: 800,
      podReady: 950,
      knativeReady: 980,
      firstByte: 1000,
    });
    assert.deepEqual(phasesOf(marks), {
      gateway: 2,
      scaleAsked: 98,
      podMade: 50,
      scheduled: 10,
      sandbox: 340,
      containersStarted: 300,
      podReady: 150,
      knativeReady: 30,
      firstByte: 20,
    });
  });

  it("take an event's own time by the host's clock, set by the event that arrived fastest", () => {
    const ahead = 500_000;
    const marks = marksOf(
      [
        { milestone: "podMade", pod: "other", at: 1190, hostTime: 1190 + ahead },
        { milestone: "podMade", pod: "a", containers: 1, at: 1200 },
        { milestone: "scheduled", pod: "a", at: 1210, hostTime: 1200 + ahead },
        { milestone: "sandbox", pod: "a", at: 1900, hostTime: 1300 + ahead },
      ],
      times,
    );
    assert.deepEqual([marks.podMade, marks.scheduled, marks.sandbox], [200, 200, 300]);
  });

  it("let no milestone be later than one that needs it", () => {
    const marks = marksOf(
      [
        { milestone: "podMade", pod: "a", containers: 1, at: 1150 },
        { milestone: "scaleAsked", at: 1400 },
        { milestone: "scheduled", pod: "a", at: 1500 },
        { milestone: "containersStarted", pod: "a", at: 2400 },
      ],
      times,
    );
    assert.deepEqual(
      [marks.scaleAsked, marks.podMade, marks.scheduled, marks.containersStarted],
      [150, 150, 500, 1000],
    );
  });

  it("count a phase without an end, and what came after the answer, to the next one", () => {
    const phases = phasesOf({ gateway: 1, podMade: 50, podReady: 1100, firstByte: 1000 });
    assert.deepEqual(phases, { gateway: 1, podMade: 49, firstByte: 950 });
  });

  it("are those of the pod that was ready first", () => {
    const marks = marksOf(
      [
        { milestone: "podMade", pod: "slow", at: 1100 },
        { milestone: "podMade", pod: "fast", at: 1101 },
        { milestone: "scheduled", pod: "slow", at: 1110 },
        { milestone: "scheduled", pod: "fast", at: 1120 },
        { milestone: "podReady", pod: "fast", at: 1900 },
      ],
      times,
    );
    assert.deepEqual([marks.podMade, marks.scheduled], [101, 120]);
  });

  it("have all containers started only when the last one is known to be", () => {
    const evidence: Evidence[] = [
      { milestone: "podMade", pod: "a", containers: 2, at: 1100 },
      { milestone: "containersStarted", pod: "a", container: "user", at: 1500 },
    ];
    assert.equal(marksOf(evidence, times).containersStarted, undefined);
    evidence.push({ milestone: "containersStarted", pod: "a", container: "queue", at: 1600 });
    assert.equal(marksOf(evidence, times).containersStarted, 600);
  });
});

describe("the proofs of a cold start", () => {
  const pod = (
    status: Record<string, unknown>,
    metadata: Record<string, unknown> = {},
  ): (string | undefined)[] =>
    podEvidence(
      {
        metadata: { name: "a", ...metadata },
        spec: { nodeName: "n", containers: [{}, {}] },
        status,
      },
      1,
    ).map(({ milestone }) => milestone);
  const condition = (type: string, status = "True") => ({ conditions: [{ type, status }] });
  const running = { state: { running: {} } };

  it("are in a pod", () => {
    assert.deepEqual(podEvidence({ metadata: { name: "a" }, spec: { containers: [{}] } }, 7), [
      { milestone: "podMade", pod: "a", containers: 1, at: 7 },
    ]);
    assert.deepEqual(pod(condition("PodReadyToStartContainers")).at(-1), "sandbox");
    assert.deepEqual(pod(condition("Ready")).at(-1), "podReady");
    assert.deepEqual(pod(condition("Ready", "False")), ["podMade", "scheduled"]);
    assert.deepEqual(pod({ containerStatuses: [running, running] }).at(-1), "containersStarted");
    assert.deepEqual(pod({ containerStatuses: [running, { state: {} }] }).at(-1), "scheduled");
  });

  it("are not in a pod that ends", () => {
    assert.deepEqual(pod(condition("Ready"), { deletionTimestamp: "2026-01-01T00:00:00Z" }), []);
  });

  it("are in a Deployment with replicas, and in a PodAutoscaler that is active", () => {
    assert.deepEqual(deploymentEvidence({ spec: { replicas: 0 } }, 1), []);
    assert.deepEqual(deploymentEvidence({ spec: { replicas: 1 } }, 1), [
      { milestone: "scaleAsked", at: 1 },
    ]);
    assert.deepEqual(autoscalerEvidence({ status: condition("Active", "Unknown") }, 1), []);
    assert.deepEqual(autoscalerEvidence({ status: condition("Active") }, 1), [
      { milestone: "knativeReady", at: 1 },
    ]);
  });

  it("are in events, with the nanoseconds of their names", () => {
    const name = "hello-00001-deployment-abc.18d3f6a1b2c3d4e5";
    const hostTime = Number(0x18d3f6a1b2c3d4e5n) / 1e6;
    assert.equal(eventTime(name), hostTime);
    assert.equal(eventTime("6a0b1f4e-0c1d-4c8a-9a44-0123456789ab"), undefined);
    const event = (kind: string, reason: string, more: Record<string, string> = {}) =>
      eventEvidence(
        {
          metadata: { name },
          reason,
          message: more.message,
          involvedObject: { kind, name: "hello", fieldPath: more.fieldPath },
        },
        1,
      );
    assert.deepEqual(event("ReplicaSet", "SuccessfulCreate", { message: "Created pod: a" }), [
      { milestone: "podMade", pod: "a", at: 1, hostTime },
    ]);
    const fieldPath = "spec.containers{queue-proxy}";
    assert.deepEqual(event("Pod", "Started", { fieldPath }), [
      { milestone: "containersStarted", pod: "hello", container: "queue-proxy", at: 1, hostTime },
    ]);
    assert.equal(event("Pod", "Pulled", { fieldPath })[0]?.milestone, "sandbox");
    assert.equal(event("Pod", "Scheduled")[0]?.milestone, "scheduled");
    assert.deepEqual(event("Pod", "Started", { fieldPath: "spec.initContainers{i}" }), []);
    assert.deepEqual(event("Pod", "Unhealthy", { fieldPath }), []);
    assert.deepEqual(event("Node", "Started"), []);
  });
});
