import * as pulumi from "@pulumi/pulumi";
import { HostConfig, SshTarget } from "./hostConfig";
import { HostConnection } from "./hostScript";

/** The SSH connection of a checked configuration, its keys marked as secrets. */
export function hostConnection(host: HostConfig): HostConnection {
  const { jump } = host;
  // Behind a jump host pulumi-command 1.2.1 dials only once and retries the login. The first failure has closed that
  // connection, so "EOF" replaces the host's own error (provider/pkg/provider/remote/connection.go).
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
    // pulumi-command retries every error, a refused key too; to a host more attempts look like an attack.
    dialErrorLimit,
    perDialTimeout: 10,
  };
}
