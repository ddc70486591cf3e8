import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { pulumi } from "../../lab/engine";
import { get } from "../../lab/http";
import { stackFile, type StackConfig } from "../../lab/labConfig";
import { hostAddress } from "../../lab/paths";
import { LabRegistry, type Door } from "../../lab/registry";
import { eventually, hostnameOf, loadBalancer } from "./lab";
import { LabStack } from "./labStack";

/** A lab stack whose sample, and two services of a user's, come from the lab's registry. */
export class RegistryStack extends LabStack {
  public readonly login = {
    username: "edge",
    password: `planted-${randomBytes(12).toString("hex")}`,
  };
  /** Digests of what was pushed, by service. */
  public readonly digests: Record<string, string> = {};
  public registry!: LabRegistry;

  public override async create(): Promise<void> {
    await super.create();
    this.registry = await LabRegistry.create(this.login, ["password", "token"]);
    await this.push("hello", "samples/helloworld-go:v1", "Edge!");
    await this.push("orders", "team/orders:1", "orders");
    await this.push("billing", "team/billing:1", "billing");
  }

  public override async remove(): Promise<void> {
    await super.remove();
    await this.registry.remove();
  }

  /** Pushes an image of a service that greets so. */
  public async push(service: string, name: string, greets: string): Promise<void> {
    this.digests[service] = await this.registry.push(name, greets);
  }

  /** The stack's settings with the sample and two services of a user's from a door of the registry. */
  public settings(door: Door): StackConfig & { services: Record<string, object> } {
    const host = this.registry.host(door);
    const { imageMirrors } = stackFile() as { imageMirrors: Record<string, string> };
    return {
      // The sample is under the name of its release, from where the stack's mirror has it.
      imageMirrors: { ...imageMirrors, "ghcr.io/knative": `${host}/samples:v1` },
      services: {
        orders: { image: `${host}/team/orders:1`, readyTimeoutSeconds: 120 },
        billing: { image: `${host}/team/billing:1` },
      },
      registries: { [host]: { username: this.login.username, ca: this.registry.caFile } },
    };
  }

  /** The settings with a variable in one service. */
  public changed(): StackConfig & { services: Record<string, object> } {
    const settings = this.settings("password");
    const billing = { ...settings.services.billing, env: { TARGET: "offline" } };
    return { ...settings, services: { ...settings.services, billing } };
  }

  /** Sets a password as a user does, by standard input. */
  public async setPassword(door: Door, password: string): Promise<void> {
    const key = `registries["${this.registry.host(door)}"].password`;
    const args = ["config", "set", "--secret", "--path", key];
    await pulumi(args, { stack: this.stack, input: password });
  }

  /** Sets the configuration, and the right password with it. */
  public async configureWithLogin(config: StackConfig): Promise<void> {
    await this.configure(config);
    await this.setPassword("password", this.login.password);
  }

  /** The service answers so, from outside and within two minutes. */
  public async answers(service: string, body: string): Promise<void> {
    const [address, name] = [await loadBalancer(this.host), await hostnameOf(this.host, service)];
    await eventually(`${body} from ${name}`, 120, async () =>
      isDeepStrictEqual(await get(address, name), { status: 200, body: `${body}\n` }),
    );
  }

  public async allAnswer(orders = "orders"): Promise<void> {
    await this.answers("hello", "Hello Edge!!");
    await this.answers("orders", `Hello ${orders}!`);
    await this.answers("billing", "Hello billing!");
  }

  /** The image in a Service's object. */
  public imageOf(service: string): Promise<string> {
    const field = "{.spec.template.spec.containers[0].image}";
    return this.kubectl(`get services.serving.knative.dev ${service} -o jsonpath=${field}`);
  }

  /** The blobs and manifests that the host got from a door. */
  public pulls(door: Door, repository: string): string[] {
    return this.registry
      .requests(door, hostAddress(this.host))
      .filter((line) => line.includes(`"GET /v2/${repository}/`) && / 200 \d+ /.test(line));
  }

  /** Does something while the registry cannot be reached. */
  public async offline(action: () => Promise<void>): Promise<void> {
    await this.registry.close("password");
    try {
      await action();
    } finally {
      await this.registry.open("password");
    }
  }
}
