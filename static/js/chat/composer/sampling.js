// How words are chosen: a preset, and what differs from it. The fields are the truth; the server keeps what was sent last.
import { gettext, interpolate } from "../../lib/i18n.js";

const menu = document.querySelector("[data-sampling]");
const presets = [...menu.querySelectorAll("input[name=preset]")];
const controls = () => [...menu.querySelectorAll("[data-control]")]; // one comes when it is looked at, where a server has it
const lengths = [...menu.querySelectorAll("input[name=length]")]; // short for the field of tokens under Advanced
const longest = menu.querySelector("[data-control=max_tokens]");
const words = menu.querySelector("[data-sampling-words]");

const preset = () => presets.find((radio) => radio.checked);
const changed = () => controls().filter((control) => control.value.trim());

export const getSampling = () => ({ preset: preset().value, ...Object.fromEntries(changed().map((control) => [control.dataset.control, control.value])) });

function show() {
  const { label } = preset().dataset;
  words.textContent = changed().length ? interpolate(gettext("%(label)s, changed"), { label }) : label;
  menu.toggleAttribute("data-changed", changed().length > 0 || preset().value !== "balanced");
  for (const radio of lengths) radio.checked = radio.value === longest.value.trim();
  for (const control of controls()) {
    const { defaults } = control.dataset;
    if (defaults) control.placeholder = JSON.parse(defaults)[preset().value];
    control.parentElement.querySelector("[data-reset]").hidden = !control.value.trim();
  }
}

menu.addEventListener("input", ({ target }) => {
  if (lengths.includes(target)) longest.value = target.value;
  show();
});
menu.addEventListener("click", ({ target }) => {
  const back = target.closest("[data-reset]");
  if (!back) return;
  const control = back.parentElement.querySelector("[data-control]");
  control.value = "";
  control.focus();
  show();
});
menu.querySelector("[data-sampling-reset]").addEventListener("click", () => {
  for (const control of controls()) control.value = "";
  show();
});
menu.addEventListener("htmx:load", show); // the field for beams
show();
