import { gettext, interpolate } from "../lib/i18n.js";

const MEANINGS = {
  share: (score) =>
    score > 0.995
      ? gettext("More than 99 of 100 texts with this score break the clause.")
      : interpolate(gettext("About %(n)s of 100 texts with this score break the clause."), { n: Math.max(1, Math.round(score * 100)) }),
  guard: (score) =>
    score > 0.5 ? gettext("Only texts that the guard model calls unsafe.") : gettext("Also texts of which the guard model is not certain."),
  picture: () => gettext("The higher, the surer the check of pictures must be."),
};

// What a threshold means: in words, and by the example sentences with the nearest scores above and below it.
function describe(row) {
  const score = Number(row.querySelector("[type=number]").value);
  const kind = row.closest("[data-meaning]").dataset.meaning;
  const words = score ? [MEANINGS[kind](score)] : [];
  if (score && kind === "share") {
    const examples = [...row.closest(".effects").querySelectorAll("[data-examples] [data-score]")]; // the lowest score first
    const above = examples.find((one) => Number(one.dataset.score) >= score);
    const below = examples.findLast((one) => Number(one.dataset.score) < score);
    if (above) words.push(interpolate(gettext("Just above: “%(text)s”"), { text: above.textContent.trim() }));
    if (below) words.push(interpolate(gettext("Just below: “%(text)s”"), { text: below.textContent.trim() }));
  }
  row.querySelector("[data-means]").textContent = words.join(" ");
}

// Thresholds of the policy: a slider beside each number. The number is what is sent; an empty one is no threshold.
for (const row of document.querySelectorAll("[data-threshold]")) {
  const slider = row.querySelector("[type=range]");
  const number = row.querySelector("[type=number]");
  const show = () => {
    slider.value = number.value || 1;
    row.dataset.threshold = number.value ? "set" : "";
    describe(row);
  };
  slider.hidden = false;
  show();
  slider.addEventListener("input", () => {
    number.value = Number(slider.value).toFixed(2); // as the other numbers are written
    row.dataset.threshold = "set";
    describe(row);
  });
  number.addEventListener("input", show);
}

for (const examples of document.querySelectorAll("[data-examples]")) {
  examples.addEventListener("htmx:afterSwap", () => examples.closest(".effects").querySelectorAll("[data-threshold]").forEach(describe));
}

// The count is help only: where it fails, the draft can still be saved.
for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.querySelector(".policy-form").addEventListener(failure, () => {
    document.querySelector(".preview output").textContent = gettext("The changes could not be counted. Change a threshold to try again.");
  });
}
