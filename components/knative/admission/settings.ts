import { goBoolean, goInteger } from "./goValues";

/** Data of Knative's ConfigMaps, by name and key. What is not set has Knative's own default. */
export type ConfigMaps = Record<string, Record<string, string>>;

/** The settings by which Knative's webhook admits Services; defaults from serving's pkg/apis/config and pkg/autoscaler/config. */
export interface AdmissionSettings {
  allowContainerConcurrencyZero: boolean;
  containerConcurrencyMaxLimit: number;
  maxRevisionTimeoutSeconds: number;
  allowZeroInitialScale: boolean;
  /** 0 is no limit. */
  maxScaleLimit: number;
  podAutoscalerClass: string;
  /** Whether secure-pod-defaults lets Services choose a seccomp profile, and gives low ports their capability. */
  securePodDefaults: "enabled" | "allowRootBounded" | "disabled";
}

/** Reads the settings. A value that Knative cannot read stands for its default here: configMapProblems reports it. */
export function admissionSettings(configMaps: ConfigMaps): AdmissionSettings {
  const defaults = configMaps["config-defaults"] ?? {};
  const autoscaler = configMaps["config-autoscaler"] ?? {};
  const integer = (text = "", byDefault: number): number => goInteger(text, 64) ?? byDefault;
  const truth = (text = "", byDefault: boolean): boolean => goBoolean(text) ?? byDefault;
  const secure = configMaps["config-features"]?.["secure-pod-defaults"]?.toLowerCase();
  return {
    allowContainerConcurrencyZero: truth(defaults["allow-container-concurrency-zero"], true),
    containerConcurrencyMaxLimit: integer(defaults["container-concurrency-max-limit"], 1000),
    maxRevisionTimeoutSeconds: integer(defaults["max-revision-timeout-seconds"], 600),
    allowZeroInitialScale: truth(autoscaler["allow-zero-initial-scale"], false),
    maxScaleLimit: integer(autoscaler["max-scale-limit"], 0),
    podAutoscalerClass: autoscaler["pod-autoscaler-class"] ?? "kpa.autoscaling.knative.dev",
    securePodDefaults:
      secure === "enabled"
        ? "enabled"
        : secure === "allowrootbounded"
          ? "allowRootBounded"
          : "disabled",
  };
}
