import { revisionName } from "../components/knative/service/serviceImage";
import { secretDigests } from "../components/knative/service/serviceSecrets";
import { Problem } from "../lib/problem";
import { StackService } from "../stack/render/renderStack";
import { LastState } from "./lastState";

/**
 * Services whose secrets are others while their revision's name stays: Knative refuses to change a revision, and says so only
 * in `up`.
 */
export async function fixedRevisions(
  services: StackService[],
  state: LastState,
): Promise<Problem[]> {
  const named = services.filter(
    ({ object, secretData }) => secretData !== undefined && revisionName(object) !== undefined,
  );
  const last = named.length === 0 ? {} : await state.services();
  return named.flatMap(({ name, object }) => {
    const before: { spec?: object } = last[name] ?? {};
    const [old, digests] = [secretDigests(before), secretDigests(object)];
    const changed = Object.keys({ ...old, ...digests }).filter((key) => old[key] !== digests[key]);
    return changed.length > 0 && revisionName(before) === revisionName(object)
      ? [
          {
            key: `services.${name}.revisionName`,
            message: `"${revisionName(object)}" is there already with other secrets (${changed.join(", ")}), and no revision changes; take another name.`,
          },
        ]
      : [];
  });
}
