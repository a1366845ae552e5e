// Fields of a spec in the OpenAPI document: defaults, levels, descriptions.

import { retryWhileUnavailable, Unreachable } from "./http.js";

/** The description of a search spec, from the document that the service publishes. */
export async function specSchema() {
  const document = await retryWhileUnavailable(async () => {
    const response = await fetch("/openapi.json").catch(() => null);
    if (!response?.ok) throw new Unreachable();
    return await response.json();
  });
  return new Schema(document.components.schemas);
}

class Schema {
  constructor(all) {
    this.all = all;
  }

  /** The schema at a path such as epochs.first, references followed. */
  at(path) {
    return path.split(".").reduce(
      (place, name) => this.resolved(place.properties?.[name] ?? {}), this.all.SearchSpec,
    );
  }

  /** A field as `{levels, kind, initial, about}`. */
  field(path) {
    const schema = this.at(path);
    const levels = schema.enum ?? (schema.type === "boolean" ? [true, false] : null);
    return { levels, kind: schema.type, initial: schema.default, about: schema.description };
  }

  /** The hyperparameters that may be searched. */
  hyperparameters() {
    return [...Object.keys(this.all.ModelSpec.properties), "hidden_units", "hidden_layers"].sort();
  }

  resolved(place) {
    const options = place.anyOf ?? place.allOf ?? [];
    const one = options.find((option) => option.type !== "null") ?? {};
    const name = (place.$ref ?? one.$ref)?.split("/").pop();
    return { ...(name ? this.all[name] : {}), ...one, ...place };
  }
}
