/** The lab's network: one bridge on the machine, and one network namespace with one address for each host. */
import { existsSync, writeFileSync } from "node:fs";
import { network, hostAddress, hostNumber } from "./paths";
import { run } from "./process";

/**
 * A host's address in the network of {@link plugNat}: the one that VirtualBox gives to the first interface of every
 * machine.
 */
export const natAddress = "10.0.2.15";

/** Name of a host's network namespace. */
export function namespaceOf(host: string): string {
  return `${network.id}-${host}`;
}

/** Name of the machine's end of a host's cable (at most 15 characters, as the kernel wants). */
function cableOf(host: string): string {
  return `${network.id}-${hostNumber(host)}`;
}

/** Makes the bridge, if it is not there. Throws when the machine uses the same addresses elsewhere. */
export async function bridgeUp(): Promise<void> {
  if (!existsSync(`/sys/class/net/${network.id}`)) {
    const routes = (await run("ip", ["-4", "route", "show", "root", network.subnet])).stdout.trim();
    if (routes) {
      throw new Error(
        `The lab's subnet ${network.subnet} is in use on this machine (${routes.split("\n")[0]}): ` +
          "move the checkout to another folder, its path decides the subnet.",
      );
    }
    await run("ip", ["link", "add", network.id, "type", "bridge"]);
    // Hosts have this address as their default gateway, because Kubernetes needs a default route. What they send to
    // elsewhere ends here, whatever else the machine forwards, until nat.ts opens the way out.
    writeFileSync(`/proc/sys/net/ipv4/conf/${network.id}/forwarding`, "0");
  }
  await run("ip", ["addr", "replace", `${network.gateway}/24`, "dev", network.id]);
  await run("ip", ["link", "set", network.id, "up"]);
}

/** Removes the bridge. */
export async function bridgeDown(): Promise<void> {
  if (existsSync(`/sys/class/net/${network.id}`)) await run("ip", ["link", "del", network.id]);
}

/** Makes a host's network namespace with its one interface, eth0, plugged into the bridge. */
export async function plug(host: string): Promise<void> {
  const ns = namespaceOf(host);
  const cable = cableOf(host);
  // A MAC address for each host name, because a wiped machine is a new system on the same hardware.
  const mac = `02:${network.id.slice(2).replace(/../g, "$&:")}00:${hostNumber(host).toString(16).padStart(2, "0")}`;
  await unplug(host);
  await run("ip", ["netns", "add", ns]);
  const commands = [
    `link add ${cable} type veth peer name eth0 address ${mac} netns ${ns}`,
    `link set ${cable} master ${network.id} up`,
  ];
  await run("ip", ["-batch", "-"], { input: commands.join("\n") });
  const inside = [
    "link set lo up",
    "link set eth0 up",
    `addr add ${hostAddress(host)}/24 brd + dev eth0`,
    `route add default via ${network.gateway}`,
  ];
  await run("ip", ["-netns", ns, "-batch", "-"], { input: inside.join("\n") });
}

/** Removes a host's network namespace and cable. */
export async function unplug(host: string): Promise<void> {
  const cable = cableOf(host);
  if (existsSync(`/sys/class/net/${cable}`)) await run("ip", ["link", "del", cable]);
  if (existsSync(`/run/netns/${namespaceOf(host)}`)) {
    await run("ip", ["netns", "del", namespaceOf(host)]);
  }
}

/**
 * Gives a running host a second network like Vagrant's NAT, which has the default route and the same address on every
 * machine. The host keeps its own network beside it. Nothing answers in the second one.
 */
export async function plugNat(host: string): Promise<void> {
  const inside = [
    // The other end of the cable goes nowhere.
    "link add nat0 type veth peer name nat1",
    "link set nat1 up",
    "link set nat0 up",
    `addr add ${natAddress}/24 brd + dev nat0`,
    "route replace default via 10.0.2.2 dev nat0",
  ];
  await run("ip", ["-netns", namespaceOf(host), "-batch", "-"], { input: inside.join("\n") });
}
