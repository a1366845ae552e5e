// Example specs.

import { h } from "./dom.js";

const RATE = { low: 1e-5, high: 1, scale: "log" };
const DECAY = { low: 1e-8, high: 0.1, scale: "log" };

export const EXAMPLES = {
  digits: {
    label: "Digits",
    about: "half a minute",
    spec: {
      name: "digits, first look", dataset: "digits",
      model: { hidden_sizes: [50], batch_size: 32, optimizer: "sgd" },
      space: { learning_rate: RATE, weight_decay: DECAY },
      budget: { epochs: 800 }, final: { epochs: 20, models: 5 },
    },
  },
  iris: {
    label: "Iris",
    about: "seconds",
    spec: {
      name: "iris, quick", dataset: "iris",
      model: { hidden_sizes: [16], optimizer: "adam" },
      space: { learning_rate: RATE, weight_decay: DECAY },
      rounds: 3, trials_per_round: 16, epochs: { first: 4, last: 16 }, final: { epochs: 40, models: 5 },
    },
  },
  wine: {
    label: "Wine",
    about: "seconds, with architecture",
    spec: {
      name: "wine, how wide and how deep", dataset: "wine",
      model: { optimizer: "adam" },
      space: {
        learning_rate: RATE,
        hidden_units: { low: 8, high: 128, scale: "log", integer: true },
        hidden_layers: { low: 1, high: 3, scale: "linear", integer: true },
        activation: { choices: ["relu", "tanh"] },
      },
      rounds: 3, trials_per_round: 32, epochs: { first: 4, last: 16 }, final: { epochs: 40, models: 5 },
    },
  },
  mnist: {
    label: "MNIST",
    about: "minutes; the data must be added first",
    spec: {
      name: "mnist", dataset: "mnist",
      model: { hidden_sizes: [100], batch_size: 128, optimizer: "momentum" },
      space: { learning_rate: RATE, weight_decay: DECAY, dropout: { low: 0, high: 0.5, scale: "linear" } },
      rounds: 4, trials_per_round: 32, epochs: { first: 1, last: 8 }, final: { epochs: 10, models: 5 },
    },
  },
};

/** Add a button for every example to `place`; `choose` is called with its name. */
export function showExamples(place, choose) {
  place.append(...Object.entries(EXAMPLES).map(([name, { label, about }]) =>
    h("button", { type: "button", onclick: () => choose(name) }, label, " ", h("small", {}, about))));
}
