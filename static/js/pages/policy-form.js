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
    const examples = [...row.closest(".effects").querySelectorAll("[data-score]")]; // the lowest score first
    const above = examples.find((one) => Number(one.dataset.score) >= score);
    const below = examples.findLast((one) => Number(one.dataset.score) < score);
    if (above) words.push(interpolate(gettext("Just above: “%(text)s”"), { text: above.textContent.trim() }));
    if (below) words.push(interpolate(gettext("Just below: “%(text)s”"), { text: below.textContent.trim() }));
  }
  row.querySelector("[data-means]").textContent = words.join(" ");
}

// A slider beside each number. The number is what is sent; an empty one is no threshold.
function show(row) {
  const slider = row.querySelector("[type=range]");
  const number = row.querySelector("[type=number]");
  slider.hidden = false;
  slider.value = number.value || 1;
  row.dataset.threshold = number.value ? "set" : "";
  describe(row);
}

const form = document.querySelector(".policy-form");
const showAll = (part) => part.querySelectorAll("[data-threshold]").forEach(show);
showAll(form);
form.addEventListener("htmx:load", (event) => showAll(event.target)); // fields of a clause that was opened
form.addEventListener("input", ({ target }) => {
  const row = target.closest("[data-threshold]");
  if (!row) return;
  if (target.type === "range") row.querySelector("[type=number]").value = Number(target.value).toFixed(2); // as the other numbers are written
  show(row);
});

// The count is help only: where it fails, the draft can still be saved. A clause without its fields stays as it was.
for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  form.addEventListener(failure, ({ target }) => {
    if (target.closest(".effects")) {
      document.querySelector(".preview output").textContent = gettext("The changes could not be counted. Change a threshold to try again.");
    } else {
      target.textContent = gettext("This clause could not be loaded. Close and open it to try again.");
    }
  });
}
