import { Host, Provider, serve, typeOf } from "../server";
import { localProvider } from "./local";
import { commandProvider } from "./provider";

serve((host: Host): Provider => {
  const local = localProvider(host);
  const remote = commandProvider(host);
  const of = (urn: string): Provider => (typeOf(urn) === "command:local:Command" ? local : remote);
  return {
    version: remote.version,
    check: (urn, ...rest) => of(urn).check(urn, ...rest),
    diff: (urn, ...rest) => of(urn).diff(urn, ...rest),
    create: (urn, ...rest) => of(urn).create(urn, ...rest),
    update: (urn, ...rest) => of(urn).update(urn, ...rest),
    read: (urn, ...rest) => of(urn).read(urn, ...rest),
    delete: (urn, ...rest) => of(urn).delete(urn, ...rest),
    cancel: () => [local, remote].forEach((each) => each.cancel()),
  };
});
