import assert from "node:assert/strict";
import {
  AllowedChange,
  allowedChanges,
  refusals,
  StackIdentity,
} from "../../../../components/host/changeGuards";

const settled: StackIdentity = {
  host: "192.0.2.10",
  hostGeneration: 1,
  k0sVersion: "v1.34.2+k0s.0",
  storage: "kine",
  podCidr: "10.244.0.0/16",
  serviceCidr: "10.96.0.0/12",
  dataDir: "/var/lib/k0s",
};

interface Case {
  change: Partial<StackIdentity>;
  key?: string;
  consent?: AllowedChange;
  says?: RegExp;
}

const allowed: Record<string, Case> = {
  nothing: { change: {} },
  "a k0s patch": { change: { k0sVersion: "v1.34.3+k0s.0" } },
  "a new build of the same k0s": { change: { k0sVersion: "v1.34.2+k0s.1" } },
  "the next k0s minor": { change: { k0sVersion: "v1.35.0+k0s.0" } },
};

const refused: Record<string, Case> = {
  "an older k0s patch": {
    change: { k0sVersion: "v1.34.1+k0s.0" },
    key: "k0sVersion",
    consent: "k0sDowngrade",
    says: /^v1\.34\.2\+k0s\.0 runs .* going back to v1\.34\.1\+k0s\.0\. .*hostGeneration/,
  },
  "a candidate of the release that runs": {
    change: { k0sVersion: "v1.34.2-rc.1+k0s.0" },
    key: "k0sVersion",
    consent: "k0sDowngrade",
    says: /going back to v1\.34\.2-rc\.1/,
  },
  "two k0s minors at once": {
    change: { k0sVersion: "v1.36.1+k0s.0" },
    key: "k0sVersion",
    consent: "k0sMinorSkip",
    says: /one minor release at a time.*Set a v1\.35 release first$/,
  },
  "another pod network": {
    change: { podCidr: "10.200.0.0/16" },
    key: "podCidr",
    consent: "cidrChange",
    says: /^10\.244\.0\.0\/16 cannot become 10\.200\.0\.0\/16/,
  },
  "another Service network": {
    change: { serviceCidr: "10.32.0.0/12" },
    key: "serviceCidr",
    consent: "cidrChange",
    says: /^10\.96\.0\.0\/12 cannot become/,
  },
  "another host": {
    change: { host: "192.0.2.11" },
    key: "host",
    consent: "hostChange",
    says: /reset/,
  },
};

describe("changes of a stack", () => {
  for (const [name, { change }] of Object.entries(allowed)) {
    it(`lets through ${name}`, () => {
      assert.deepEqual(refusals(settled, { ...settled, ...change }, []), []);
    });
  }

  for (const [name, { change, key, consent, says }] of Object.entries(refused)) {
    const now = { ...settled, ...change };

    it(`refuses ${name}, and says why`, () => {
      const [refusal, ...others] = refusals(settled, now, []);
      assert.deepEqual(others, []);
      assert.equal(refusal?.key, key);
      assert.equal(refusal?.consent, consent);
      assert.match(refusal?.message ?? "", says as RegExp);
    });

    it(`lets through ${name} when it is allowed by its name, and by no other`, () => {
      const others = Object.keys(allowedChanges).filter((name) => name !== consent);
      assert.deepEqual(refusals(settled, now, [consent as string]), []);
      assert.equal(refusals(settled, now, others).length, 1);
    });
  }

  it("are none in a new stack", () => {
    assert.deepEqual(refusals(undefined, settled, []), []);
  });

  it("are all let through in a rebuild", () => {
    const now: StackIdentity = {
      ...settled,
      hostGeneration: 2,
      host: "192.0.2.11",
      k0sVersion: "v1.33.1+k0s.0",
      podCidr: "10.200.0.0/16",
    };
    assert.deepEqual(refusals(settled, now, []), []);
  });

  it("names every refusal at once", () => {
    const now = { ...settled, podCidr: "10.200.0.0/16", k0sVersion: "v1.30.0+k0s.0" };
    assert.deepEqual(
      refusals(settled, now, []).map(({ consent }) => consent),
      ["cidrChange", "k0sDowngrade"],
    );
  });
});
