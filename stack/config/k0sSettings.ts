import { HostSize } from "../../components/host/hostSize";
import {
  argumentError,
  environmentError,
  k0sComponents,
  K0sSettings,
  neededComponents,
} from "../../components/host/k0sSettings";
import { defaultMeasures, withMeasures } from "../../components/host/lowMemory";
import { suggestion } from "../../lib/nearest";
import { Reader } from "./reader";

/** Reads the settings of k0s' own processes: those of the measures of `lowMemory`, and the user's, which win. */
export function readK0sSettings(read: Reader, hostSize: HostSize): K0sSettings {
  return withMeasures(read.measures("lowMemory", defaultMeasures(hostSize)), {
    disabledComponents: readDisabledComponents(read),
    environment: readTexts(read, "k0sEnvironment", environmentError),
    apiServerArgs: readTexts(read, "apiServerArgs", argumentError),
    controllerManagerArgs: readTexts(read, "controllerManagerArgs", argumentError),
    schedulerArgs: readTexts(read, "schedulerArgs", argumentError),
  });
}

/** A mapping of names to texts. An entry that `error` finds wrong is reported and left out. */
function readTexts(
  read: Reader,
  key: string,
  error: (name: string, value: unknown) => string | undefined,
): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(read.mapping(key))) {
    const problem = error(name, value);
    if (problem === undefined) {
      texts[name] = String(value);
    } else {
      read.add(`${key}.${name}`, problem);
    }
  }
  return texts;
}

function readDisabledComponents(read: Reader): string[] {
  const key = "k0sDisabledComponents";
  return read.list(key).map((name) => {
    if (typeof name !== "string" || !k0sComponents.includes(name)) {
      read.add(
        key,
        `k0s has no component ${JSON.stringify(name)}; ${suggestion(String(name), k0sComponents)}`,
      );
    } else if (neededComponents.includes(name)) {
      read.add(
        key,
        `${name} cannot be switched off, since this stack does not run without it; leave it out.`,
      );
    }
    return String(name);
  });
}
