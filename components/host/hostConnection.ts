import * as pulumi from "@pulumi/pulumi";
import { HostConfig, SshTarget } from "./hostConfig";
import { HostConnection } from "./hostScript";

/** The SSH connection of a checked configuration, its keys marked as secrets. */
export function hostConnection(host: HostConfig): HostConnection {
  const { jump } = host;
  // From a jump host pulumi-command 1.2.1 dials once: what it tries again is the login, over a connection that the first
  // failure has closed, so that the host's own words are lost to "EOF" (provider/pkg/provider/remote/connection.go).
  return jump === undefined
    ? sshTarget(host, 5)
    : { ...sshTarget(host, 0), proxy: sshTarget(jump, 5) };
}

function sshTarget(target: SshTarget, dialErrorLimit: number) {
  return {
    host: target.address,
    port: target.port,
    user: target.user,
    privateKey: pulumi.secret(target.privateKey),
    privateKeyPassword: target.privateKeyPassphrase && pulumi.secret(target.privateKeyPassphrase),
    hostKey: target.hostKey,
    // pulumi-command retries whatever went wrong, a refused key too; more attempts look like an attack to a host.
    dialErrorLimit,
    perDialTimeout: 10,
  };
}
