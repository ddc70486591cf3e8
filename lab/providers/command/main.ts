import { Host, Provider, serve, typeOf } from "../server";
import { commandProvider } from "./command";
import { localCommand } from "./local";
import { remoteCommand } from "./remote";

serve((host: Host): Provider => {
  const local = commandProvider(localCommand(host));
  const remote = commandProvider(remoteCommand(host));
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
