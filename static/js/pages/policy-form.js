import { gettext } from "../lib/i18n.js";

// Thresholds of the policy: a slider beside each number. The number is what is sent; an empty one is no threshold.
for (const row of document.querySelectorAll("[data-threshold]")) {
  const slider = row.querySelector("[type=range]");
  const number = row.querySelector("[type=number]");
  const show = () => {
    slider.value = number.value || 1;
    row.dataset.threshold = number.value ? "set" : "";
  };
  slider.hidden = false;
  show();
  slider.addEventListener("input", () => {
    number.value = Number(slider.value).toFixed(2); // as the other numbers are written
    row.dataset.threshold = "set";
  });
  number.addEventListener("input", show);
}

// The count is help only: where it fails, the draft can still be saved.
for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.querySelector(".policy-form").addEventListener(failure, () => {
    document.querySelector(".preview output").textContent = gettext("The changes could not be counted. Change a threshold to try again.");
  });
}
