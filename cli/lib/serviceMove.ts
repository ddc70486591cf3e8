import { ServiceImage, serviceImages } from "../../components/knative/service/serviceImage";
import { secretDigests } from "../../components/knative/service/serviceSecrets";
import { TrafficTarget } from "../../components/knative/service/serviceSpec";

/** A Knative Service as the engine has it. */
export type ServiceInputs = { spec?: object };

/**
 * What a change of a Knative Service is for who uses it: other images, other secrets (names only), and where requests go. One
 * sentence each; none for what does not change.
 */
export function serviceMove(old: ServiceInputs, now: ServiceInputs): string[] {
  return [...imageMoves(old, now), ...secretMoves(old, now), ...trafficMoves(old, now)];
}

function imageMoves(old: ServiceInputs, now: ServiceInputs): string[] {
  const before = serviceImages(old);
  return serviceImages(now).flatMap((image, index) => {
    const last = before[index];
    return last === undefined || last.image === image.image
      ? []
      : [`runs \`${imageText(image)}\` in place of \`${imageText(last)}\``];
  });
}

/** The tag, and the digest's first digits: `ghcr.io/team/app:1 (sha256:0f1e2d3c4b5a…)`. */
function imageText({ image, byTag }: ServiceImage): string {
  const [name = "", digest] = image.split("@");
  return digest === undefined ? name : `${byTag ?? name} (${digest.slice(0, 19)}…)`;
}

function secretMoves(old: ServiceInputs, now: ServiceInputs): string[] {
  const [before, after] = [secretDigests(old), secretDigests(now)];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const those = (test: (name: string) => boolean): string =>
    names
      .filter(test)
      .map((name) => `\`${name}\``)
      .join(", ");
  const sentences: [what: string, which: string][] = [
    ["gets the secrets", those((name) => !(name in before))],
    [
      "gets other values of",
      those((name) => name in before && name in after && before[name] !== after[name]),
    ],
    ["loses the secrets", those((name) => !(name in after))],
  ];
  return sentences.filter(([, which]) => which !== "").map(([what, which]) => `${what} ${which}`);
}

function trafficMoves(old: ServiceInputs, now: ServiceInputs): string[] {
  const [before, after] = [trafficText(old), trafficText(now)];
  return before === after ? [] : [`sends ${after}; before, ${before}`];
}

function trafficText({ spec }: ServiceInputs): string {
  const { traffic = [] } = (spec ?? {}) as { traffic?: TrafficTarget[] };
  if (traffic.length === 0) {
    return "all requests to the latest revision";
  }
  return traffic
    .map(({ revisionName = "the latest revision", percent = 0, tag }) => {
      const title = tag === undefined ? "" : ` (tag ${tag})`;
      return `${percent} % to ${revisionName}${title}`;
    })
    .join(", ");
}
