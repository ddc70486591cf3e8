import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { local } from "@pulumi/command";
import { Cluster, withCluster } from "../cluster/cluster";
import { Ingress } from "../ingress/ingress";

/** What is asked, and for how long. */
export interface HttpProbeArgs {
  /** The cluster that the service is in: in another one the service is asked again. */
  cluster: Cluster;
  /** The service: its object, which the probe waits for, and its URL, for instance http://hello.default.192.0.2.1.sslip.io. */
  service: { readonly url: pulumi.Output<string>; readonly service: pulumi.Resource };
  /** The gateway's certificate, for an https URL, with the CA to trust besides the system's. By default it has one, or none. */
  certificate?: {
    readonly ready: pulumi.Resource[];
    readonly ca: pulumi.Output<string> | undefined;
  };
  /** Path to ask for. Defaults to `/`. */
  path?: string;
  /** The ingress, whose address is asked with the URL's host in the Host header where its name does not resolve. */
  ingress: Pick<Ingress, "address">;
  /** Versions of what the answer depends on: where one changes, the service is asked again. Defaults to none. */
  versions?: Record<string, string>;
  /** How long an answer may take, in seconds. Defaults to 120. */
  timeoutSeconds?: number;
}

/** What the probe saw. */
export interface ProbeResult {
  /** `url` when the name resolved, `address` when it was asked by address with the Host header. */
  via: "url" | "address";
  /** HTTP status of the answer. */
  status: number;
  /** The answer's first 200 characters. */
  body: string;
  /** Seconds from the first attempt to the answer. */
  seconds: number;
}

/**
 * An HTTP request from the machine that runs Pulumi: the only proof that a service answers. Ready is none: without
 * a domain a Ready service answers 404, without a gateway not at all.
 */
export class HttpProbe extends pulumi.ComponentResource {
  /** What it saw when it last asked: it asks again where the URL, the address or a version is another. */
  public readonly result: pulumi.Output<ProbeResult>;

  constructor(name: string, args: HttpProbeArgs, opts?: pulumi.ComponentResourceOptions) {
    const { deletedWith, ...life } = withCluster(args.cluster);
    const { ready = [], ca } = args.certificate ?? {};
    const dependsOn = [args.service.service, ...ready];
    const options = pulumi.mergeOptions({ deletedWith, dependsOn }, opts);
    super("knative-edge:index:HttpProbe", name, {}, options);
    const request = new local.Command(
      `${name}-request`,
      {
        // Node.js runs Pulumi programs, so it is there; by stdin the state holds no path of this machine.
        create: "node -",
        stdin: fs.readFileSync(path.join(__dirname, "probe.cjs"), "utf8"),
        environment: {
          PROBE_URL: pulumi.interpolate`${args.service.url}${args.path ?? "/"}`,
          PROBE_ADDRESS: args.ingress.address,
          ...(ca !== undefined && { PROBE_CA: ca }),
          PROBE_TIMEOUT: String(args.timeoutSeconds ?? 120),
          PROBE_VERSIONS: Object.entries(args.versions ?? {})
            .map((each) => each.join(" "))
            .join(", "),
        },
        addPreviousOutputInEnv: false,
        logging: local.Logging.Stderr,
      },
      { ...life, parent: this, deletedWith, dependsOn: options.dependsOn },
    );
    this.result = pulumi
      .all([request.stdout, request.urn])
      .apply(([stdout, urn]) => probeResult(stdout, urn));
    this.registerOutputs({ result: this.result });
  }
}

/**
 * What the probe printed.
 * @param urn Of the command that printed it.
 * @throws RunError where the state has something else, as an earlier version could leave it.
 */
export function probeResult(stdout: string, urn: string): ProbeResult {
  try {
    return JSON.parse(stdout) as ProbeResult;
  } catch {
    throw new pulumi.RunError(
      `The state has no answer of a service, but ${JSON.stringify(stdout)}: ask it again by pulumi up --replace '${urn}'`,
    );
  }
}
