import {
  isFilePath,
  isVariableName,
  mostBytes,
  reservedVariables,
} from "../../components/knative/service/serviceChecks";
import { ServiceSecrets } from "../../components/knative/service/serviceSecrets";
import { variableProblem } from "../../components/knative/service/serviceSpec";
import { Check } from "../../lib/check";
import { isRecord } from "../../lib/json";
import { Reader } from "./reader";

/**
 * Reads `serviceSecrets`: by service, an environment variable by its name or a file by its absolute path. No problem shows a
 * value.
 * @param encrypted Keys that hold a secret in the stack's file; where given, secrets in plain text are a problem.
 */
export function readServiceSecrets(
  read: Reader,
  encrypted?: ReadonlySet<string>,
): Record<string, ServiceSecrets> {
  const given = read.mapping("serviceSecrets");
  if (Object.keys(given).length > 0 && encrypted?.has("serviceSecrets") === false) {
    read.add(
      "serviceSecrets",
      "stands in plain text in the stack's file; set each with `pulumi config set --secret --path 'serviceSecrets.<service>.<NAME>'`.",
    );
  }
  return Object.fromEntries(
    Object.entries(given).map(([service, values]) => [
      service,
      readSecrets(read.below(`serviceSecrets.${service}`), values),
    ]),
  );
}

function readSecrets(check: Check, values: unknown): ServiceSecrets {
  const secrets: ServiceSecrets = { variables: {}, files: {} };
  if (!isRecord(values)) {
    check.add("", "a mapping of variables and files to their values was expected.");
    return secrets;
  }
  for (const [name, value] of Object.entries(values)) {
    if (name.startsWith("/")) {
      readFile(check, secrets, name, value);
    } else {
      readVariable(check, secrets, name, value);
    }
  }
  const bytes = [...Object.values(secrets.variables), ...Object.values(secrets.files)]
    .map((text) => Buffer.byteLength(text))
    .reduce((total, size) => total + size, 0);
  if (bytes > mostBytes) {
    check.add(
      "",
      "is larger than a Kubernetes Secret, which holds 1 MiB; give the service a volume instead.",
    );
  }
  return secrets;
}

function readVariable(
  check: Check,
  { variables }: ServiceSecrets,
  name: string,
  value: unknown,
): void {
  if (!isVariableName(name)) {
    check.add(
      name,
      "is neither a variable's name nor a file's absolute path; take letters, digits and underscores, or begin with /.",
    );
  } else if (reservedVariables.includes(name)) {
    check.add(name, "Knative itself sets this variable; take another name.");
  } else if (typeof value !== "string") {
    check.add(name, "a text was expected; put the value in quotes.");
  } else {
    const problem = variableProblem(name, value);
    if (problem !== undefined) {
      check.add(name, problem);
    }
    variables[name] = value;
  }
}

function readFile(check: Check, { files }: ServiceSecrets, file: string, value: unknown): void {
  const bytes =
    isRecord(value) && Object.keys(value).join() === "base64" ? value.base64 : undefined;
  if (!isFilePath(file)) {
    check.add(file, "is no absolute path of a file; write it like /etc/app/key.pem.");
  } else if (typeof value === "string") {
    files[file] = Buffer.from(value, "utf8").toString("base64");
  } else if (typeof bytes !== "string" || !isBase64(bytes)) {
    check.add(
      file,
      "is neither a text nor {base64: <bytes in base64>}; set binary files with `base64 -w0 <file> | pulumi config set --secret --path '…[\"<path>\"].base64'`.",
    );
  } else {
    files[file] = bytes.replace(/\s/g, "");
  }
}

function isBase64(text: string): boolean {
  const bare = text.replace(/\s/g, "");
  return bare.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(bare);
}
