import { pulumi, stackOutputs } from "../../lab/engine";
import { hostPool } from "../../lab/paths";
import { getHttps, HttpsAnswer } from "./https";
import { eventually, loadBalancer } from "./lab";
import { LabStack } from "./labStack";

/** A lab host of a test's own whose stack serves HTTPS under a domain that is known beforehand. */
export class HttpsStack extends LabStack {
  public readonly domain = `${hostPool(this.host).split("-")[0]}.sslip.io`;
  /** Name of the sample. */
  public readonly hello = `hello.default.${this.domain}`;

  public async outputs(): Promise<{
    ca: string;
    url: string;
    certificate: { issuer: string; names: string; ends: string };
  }> {
    return (await stackOutputs(this.host)) as Awaited<ReturnType<HttpsStack["outputs"]>>;
  }

  /** What a client sees that trusts one CA. */
  public async ask(name: string, ca: string): Promise<HttpsAnswer> {
    return getHttps(await loadBalancer(this.host), name, ca);
  }

  /** The gateway shows another certificate for a name than before. @returns its fingerprint */
  public async eventuallyAnother(name: string, ca: string, before: string): Promise<string> {
    let fingerprint = before;
    await eventually(`another certificate of ${name}`, 60, async () => {
      ({ fingerprint } = await this.ask(name, ca));
      return fingerprint !== before;
    });
    return fingerprint;
  }

  /** Time goes on: in the state, the certificate's last third has begun. */
  public async makeDue(): Promise<void> {
    const { stack } = this;
    const { stdout } = await pulumi(["stack", "export", "--show-secrets"], { stack });
    const past = '"knative-edge/renew-from":"2020-01-01T00:00:00.000Z"';
    const state = JSON.stringify(JSON.parse(stdout)).replaceAll(
      /"knative-edge\/renew-from":"[^"]+"/g,
      past,
    );
    await pulumi(["stack", "import"], { stack, input: state });
  }
}
