import { suggestion } from "../../../lib/nearest";

/** Fields that Kubernetes has and Knative does not take, by what to do instead. */
const instead: Record<string, string> = {
  activeDeadlineSeconds: "set timeoutSeconds for the longest request",
  hostPort: "Knative's gateway is what answers outside",
  lifecycle: "Knative itself ends a pod when its requests are answered",
  nodeName: "set nodeSelector",
  priority: "set priorityClassName",
  replicas: "set the annotation autoscaling.knative.dev/min-scale in spec.template.metadata",
  serviceAccount: "set serviceAccountName",
  subPathExpr: "set subPath",
  terminationGracePeriodSeconds: "Knative gives a pod timeoutSeconds to end",
};

/** More of these fields, instead of which there is nothing. */
const untaken = [
  ...["appArmorProfile", "claims", "ephemeralContainers", "fsGroupChangePolicy", "hostIP"],
  ...["hostUsers", "hostname", "os", "overhead", "preemptionPolicy", "procMount", "readinessGates"],
  ...["recursiveReadOnly", "resizePolicy", "resourceClaims", "restartPolicy", "schedulingGates"],
  ...["seLinuxOptions", "selector", "setHostnameAsFQDN", "stdin", "stdinOnce", "subdomain"],
  ...["sysctls", "tty", "volumeDevices", "windowsOptions"],
];

/** What to say of a field that Knative does not have. */
export function unknownField(name: string, known: string[]): string {
  const advice = instead[name];
  return advice !== undefined || untaken.includes(name)
    ? `Knative does not take this field of Kubernetes; ${advice ?? "remove it"}.`
    : `there is no such field; ${suggestion(name, known)}`;
}
