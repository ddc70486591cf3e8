/** Which measures of a table are on, by name. */
export type Switches<Table> = Record<keyof Table, boolean>;

/** All measures of a table on or all off. */
export function allSwitched<Table extends object>(table: Table, on: boolean): Switches<Table> {
  const names = Object.keys(table) as (keyof Table)[];
  return Object.fromEntries(names.map((name) => [name, on])) as Switches<Table>;
}

/** The measures that are on, in the table's order. */
export function switchedOn<Measure>(
  table: Record<string, Measure>,
  switches: Record<string, boolean>,
): Measure[] {
  return Object.keys(table).flatMap((name) => (switches[name] ? [table[name] as Measure] : []));
}
