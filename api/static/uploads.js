// Datasets: suggestions of names, and uploads.

import { byId, fill, h } from "./dom.js";
import { read, segment, send } from "./http.js";
import { formatCount } from "./format.js";

const MOST = 1000;

/** Suggest the names of datasets in the form. */
export async function offerDatasets() {
  const { items } = (await read(`/datasets?limit=${MOST}`)).value;
  fill(byId("datasets"), items.map((dataset) => h("option", { value: dataset.name }, describe(dataset))));
}

function describe({ n_train: examples, features, classes, source }) {
  if (!examples) return source;
  return `${formatCount(examples, "example")}, ${formatCount(features, "feature")}, ${classes.length} classes`;
}

/** Make the upload form work; `done` is called with the name of a new dataset. */
export function offerUpload(done) {
  const [file, name, label] = ["file", "name", "label"].map((part) => byId(`upload-${part}`));
  file.addEventListener("change", () => {
    const stem = file.files[0]?.name.replace(/\.[^.]*$/, "").replace(/[^A-Za-z0-9._-]+/g, "-") ?? "";
    name.value ||= stem.replace(/^[^A-Za-z0-9]+/, "").slice(0, 64);
  });
  byId("upload-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const message = byId("uploaded");
    message.textContent = "Uploading …";
    try {
      const { value } = await upload(file.files[0], file.dataset, name.value.trim(), label.value.trim());
      message.textContent = `${value.name}: ${describe(value)}.`;
      await offerDatasets();
      done(value.name);
    } catch (error) {
      message.textContent = [error.message, ...(error.errors ?? []).map((e) => `${e.path}: ${e.message}`)].join("; ");
    }
  });
}

function upload(file, { mediaTypes, files }, name, label) {
  const type = JSON.parse(mediaTypes)[file.name.match(/\.[^.]*$/)?.[0].toLowerCase()];
  if (!type) throw new Error(`${file.name} is not ${files}`);
  const query = label ? `?label=${segment(label)}` : "";
  return send("PUT", `/datasets/${segment(name)}${query}`, { body: file, headers: { "Content-Type": type } });
}
