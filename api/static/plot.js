// Plotly under a strict content security policy, in the colours of the page.

import { byId, h } from "./dom.js";
import { retryWhileUnavailable, Unreachable } from "./http.js";

const CONFIG = { responsive: true, displayModeBar: false, displaylogo: false, showTips: false };
const STYLES = "plotly.js-style-global";
let library = null;

/** Draw a figure of the service (`{data, layout}`) into `place`, in place of an older one. */
export async function draw(place, figure) {
  library ??= load();
  const plotly = await library;
  await plotly.react(place, figure.data, themed(figure.layout), CONFIG);
}

/** Call `redraw` whenever light turns to dark or back. */
export function onTheme(redraw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

async function load() {
  const { plotly, guards } = byId("overview").dataset;
  // plotly would write its styles into the page, which the policy forbids: site.css has those
  // that count, and elements with these ids tell plotly that its own are there already.
  for (const id of guards.split(" ").filter(Boolean)) document.head.append(h("meta", { id }));
  document.head.append(h("meta", { id: STYLES, class: "no-inline-styles" }));
  stylesAsProperties();
  await retryWhileUnavailable(() => script(plotly));
  return window.Plotly;
}

function script(src) {
  return new Promise((resolve, reject) => {
    const failed = () => reject(new Unreachable());
    document.head.append(h("script", { src, onload: resolve, onerror: failed }));
  });
}

/**
 * plotly writes style attributes as text, which the policy forbids too; the same properties set
 * through the object model are allowed.
 */
function stylesAsProperties() {
  const original = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function setAttribute(name, value) {
    if (name === "style") this.style.cssText = value;
    else original.call(this, name, value);
  };
}

function themed(layout) {
  const style = getComputedStyle(document.documentElement);
  const [ink, line, paper] = ["--muted", "--line", "--card"].map((n) => style.getPropertyValue(n));
  const changed = { ...layout, font: { ...layout.font, color: ink } };
  for (const [name, value] of Object.entries(layout)) {
    if (/^[xy]axis\d*$/.test(name)) {
      changed[name] = { ...value, gridcolor: line, linecolor: line, tickcolor: line };
    }
  }
  changed.hoverlabel = { ...layout.hoverlabel, bgcolor: paper, bordercolor: line };
  changed.hoverlabel.font = { ...layout.hoverlabel?.font, color: style.getPropertyValue("--ink") };
  return changed;
}
