import { Problem } from "../../../lib/problem";
import { Feature, flagState } from "./features";
import { admissionSettings, AdmissionSettings, ConfigMaps } from "./settings";

/** What is found about a Service. Paths are those of its object: `spec.template.spec.containers[0].image`. */
export class Findings {
  public readonly problems: Problem[] = [];
  public readonly warnings: Problem[] = [];
  /** The flags that must be enabled. */
  public readonly features = new Set<Feature>();
  public readonly settings: AdmissionSettings;

  /** @param configMaps What the user sets in Knative's ConfigMaps. */
  constructor(private readonly configMaps: ConfigMaps) {
    this.settings = admissionSettings(configMaps);
  }

  /** Adds a problem of what stands at a path, unless that path has one already. */
  public add(path: string, message: string): void {
    if (!this.problems.some(({ key }) => key === path)) {
      this.problems.push({ key: path, message });
    }
  }

  /** Adds what Knative's webhook only warns of. */
  public warn(path: string, message: string): void {
    this.warnings.push({ key: path, message });
  }

  /**
   * Notes that what stands at a path needs a flag of config-features.
   * @param whenAllowed Whether the value `allowed` will do.
   */
  public needs(path: string, feature: Feature, whenAllowed: boolean): void {
    const state = flagState(feature, this.configMaps);
    if (state === "unset") {
      this.features.add(feature);
    } else if (state === "disabled" || (state === "allowed" && !whenAllowed)) {
      this.add(
        path,
        `needs ${feature} of Knative's features, and knativeConfig.config-features sets it to ${state}; ` +
          "set it to enabled, or remove this field.",
      );
    }
  }
}
