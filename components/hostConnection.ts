import * as pulumi from "@pulumi/pulumi";
import { HostConfig, SshTarget } from "../edge/config/host";
import { HostConnection } from "./hostScript";

/** The SSH connection of a checked configuration, its keys marked as secrets. */
export function hostConnection(host: HostConfig): HostConnection {
  return { ...sshTarget(host), proxy: host.jump && sshTarget(host.jump) };
}

function sshTarget(target: SshTarget) {
  return {
    host: target.address,
    port: target.port,
    user: target.user,
    privateKey: pulumi.secret(target.privateKey),
    privateKeyPassword: target.privateKeyPassphrase && pulumi.secret(target.privateKeyPassphrase),
    hostKey: target.hostKey,
    // pulumi-command retries whatever went wrong, a refused key too; more attempts look like an attack to a host.
    dialErrorLimit: 5,
    perDialTimeout: 10,
  };
}
