import { isRecord, Json, JsonObject } from "../../lib/json";
import { isCrd, KubernetesObject } from "../../components/cluster/kubernetesObject";

/**
 * A CustomResourceDefinition without the descriptions in its schemas, which nothing but `kubectl explain` reads; what
 * the API server validates and defaults stays. Other objects as they are.
 */
export function withoutDescriptions(object: KubernetesObject): KubernetesObject {
  const versions = object.spec?.versions;
  if (!isCrd(object) || !Array.isArray(versions)) {
    return object;
  }
  const trimmed = (versions as JsonObject[]).map((version) =>
    isObject(version.schema) ? { ...version, schema: trimEach(version.schema) } : version,
  );
  return { ...object, spec: { ...object.spec, versions: trimmed } };
}

/** One node of an OpenAPI v3 schema, or a list of them. */
function trimSchema(schema: Json): Json {
  if (Array.isArray(schema)) {
    return schema.map(trimSchema);
  }
  if (!isObject(schema)) {
    return schema;
  }
  const kept = Object.entries(schema).filter(([keyword]) => keyword !== "description");
  return Object.fromEntries(kept.map(([keyword, value]) => [keyword, trimKeyword(keyword, value)]));
}

/** The value of a keyword: schemas, or data such as a default. */
function trimKeyword(keyword: string, value: Json): Json {
  switch (keyword) {
    case "properties":
    case "patternProperties":
      // Names, of which `description` may be one, to schemas.
      return isObject(value) ? trimEach(value) : value;
    case "items":
    case "additionalProperties":
    case "not":
    case "allOf":
    case "anyOf":
    case "oneOf":
      return trimSchema(value);
    default:
      return value;
  }
}

function trimEach(schemas: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, trimSchema(schema)]),
  );
}

function isObject(value: Json | undefined): value is JsonObject {
  return isRecord(value);
}
