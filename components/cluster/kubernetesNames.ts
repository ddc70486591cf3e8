/**
 * The forms of names in Kubernetes, by k8s.io/apimachinery/pkg/util/validation.
 */

/** True for a DNS label by RFC 1035, which begins with a letter: names of Knative Services, Revisions and tags. */
export function isDns1035Label(text: string): boolean {
  return /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text);
}

/** True for a DNS label by RFC 1123: names of namespaces, containers and volumes. */
export function isDns1123Label(text: string): boolean {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text);
}

/** True for a lower-case DNS name of labels that may be longer than 63: names of ServiceAccounts, Secrets and ConfigMaps. */
export function isDns1123Subdomain(text: string): boolean {
  const label = "[a-z0-9]([a-z0-9-]*[a-z0-9])?";
  return text.length <= 253 && new RegExp(`^${label}(\\.${label})*$`).test(text);
}

/** True for `name` and `<domain>/name`: the keys of labels and annotations. */
export function isQualifiedName(text: string): boolean {
  const [name = "", domain, ...others] = text.split("/").reverse();
  return (
    others.length === 0 &&
    (domain === undefined || isDns1123Subdomain(domain)) &&
    name !== "" &&
    isLabelValue(name)
  );
}

/** True for what a label can hold, "" included. */
export function isLabelValue(text: string): boolean {
  return text === "" || /^[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/.test(text);
}
