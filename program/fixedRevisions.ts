import { secretDigests } from "../components/knative/service/serviceSecrets";
import { isRecord } from "../lib/json";
import { Problem } from "../lib/problem";
import { StackService } from "../stack/render/renderStack";
import { lastServices } from "./lastState";

/**
 * Services whose secrets are others while their revision's name stays: Knative refuses to change a revision, and says so only
 * in `up`.
 */
export async function fixedRevisions(services: StackService[]): Promise<Problem[]> {
  const named = services.filter(
    ({ object, secretData }) => secretData !== undefined && revisionName(object) !== undefined,
  );
  const last = named.length === 0 ? {} : await lastServices();
  return named.flatMap(({ name, object }) => {
    const [before, now] = [last[name] ?? {}, object];
    const [old, digests] = [secretDigests(before), secretDigests(now)];
    const changed = Object.keys({ ...old, ...digests }).filter((key) => old[key] !== digests[key]);
    return changed.length > 0 && revisionName(before) === revisionName(now)
      ? [
          {
            key: `services.${name}.revisionName`,
            message: `"${revisionName(now)}" is there already with other secrets (${changed.join(", ")}), and no revision changes; take another name.`,
          },
        ]
      : [];
  });
}

function revisionName({ spec }: { spec?: unknown }): string | undefined {
  const template = isRecord(spec) ? spec.template : undefined;
  const metadata = isRecord(template) ? template.metadata : undefined;
  return isRecord(metadata) && typeof metadata.name === "string" ? metadata.name : undefined;
}
