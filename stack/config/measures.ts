import { suggestion } from "../../lib/nearest";
import { Reader } from "./reader";

/** Measures by name, each on or off: as `defaults` has them, then as the user set them. */
export function readMeasures<Name extends string>(
  read: Reader,
  key: string,
  defaults: Record<Name, boolean>,
): Record<Name, boolean> {
  const measures = { ...defaults };
  const known = Object.keys(measures);
  for (const [name, value] of Object.entries(read.mapping(key))) {
    if (!known.includes(name)) {
      read.add(`${key}.${name}`, `there is no such measure; ${suggestion(name, known)}`);
    } else {
      read.trueOrFalse(`${key}.${name}`, value);
      measures[name as Name] = value === true;
    }
  }
  return measures;
}
