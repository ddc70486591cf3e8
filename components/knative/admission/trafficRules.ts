/** Knative's rules for traffic: pkg/apis/serving/v1/route_validation.go and route_defaults.go in knative.dev/serving. */
import { isDns1035Label, isQualifiedName } from "../../cluster/kubernetesNames";
import { Findings } from "./findings";
import { join, ValueOf } from "./schema";
import { service } from "./serviceSchema";

type Target = NonNullable<
  NonNullable<NonNullable<ValueOf<typeof service>["spec"]>["traffic"]>[number]
>;

/** The targets of a Service's traffic; none stand for the latest revision. */
export function checkTraffic(findings: Findings, path: string, targets: Target[]): void {
  const tags: string[] = [];
  targets.forEach((target, index) => {
    const at = `${path}[${index}]`;
    checkTarget(findings, at, target);
    const { tag = "" } = target;
    if (tag !== "" && !isDns1035Label(tag)) {
      findings.add(
        join(at, "tag"),
        `"${tag}" cannot be a tag; take up to 63 lower-case letters, digits and dashes, a letter first.`,
      );
    } else if (tag !== "" && tags.includes(tag)) {
      findings.add(join(at, "tag"), `another target has the tag "${tag}" too.`);
    }
    tags.push(tag);
  });
  const sum = targets.reduce((total, { percent = 0 }) => total + percent, 0);
  if (targets.length > 0 && sum !== 100) {
    findings.add(path, `the percents add to ${sum}; make them add to 100.`);
  }
}

function checkTarget(findings: Findings, path: string, target: Target): void {
  const { revisionName = "", configurationName = "", percent = 0, url = "" } = target;
  const { latestRevision = revisionName === "" } = target;
  if (latestRevision !== (revisionName === "")) {
    findings.add(
      join(path, "latestRevision"),
      latestRevision
        ? "is true beside a revisionName; leave one of them."
        : "is false without a revisionName; write one, or true.",
    );
  }
  if (configurationName !== "") {
    findings.add(
      join(path, "configurationName"),
      "a Service's traffic goes to its own revisions; write revisionName or latestRevision: true.",
    );
  } else if (revisionName !== "" && !isQualifiedName(revisionName)) {
    findings.add(join(path, "revisionName"), `"${revisionName}" cannot be a revision's name.`);
  }
  if (percent < 0 || percent > 100) {
    findings.add(join(path, "percent"), `${percent} is not from 0 to 100.`);
  }
  if (url !== "") {
    findings.add(join(path, "url"), "Knative itself makes the URL; remove it.");
  }
}
