// How words are chosen: a preset, and what differs from it. The fields are the truth; the server keeps what was sent last.
import { gettext, put } from "./words.js";

const menu = document.querySelector("[data-drawing]");
const presets = [...menu.querySelectorAll("input[name=preset]")];
const controls = () => [...menu.querySelectorAll("[data-control]")]; // one comes when it is looked at, where a server has it
const words = menu.querySelector("[data-drawing-words]");

const preset = () => presets.find((radio) => radio.checked);
const changed = () => controls().filter((control) => control.value.trim());

export const drawing = () => ({ preset: preset().value, ...Object.fromEntries(changed().map((control) => [control.dataset.control, control.value])) });

function show() {
  const { label } = preset().dataset;
  words.textContent = changed().length ? put(gettext("%(label)s, changed"), { label }) : label;
  for (const control of controls()) if (control.type === "number" && !("plain" in control.dataset)) control.placeholder = put(gettext("as %(label)s has it"), { label });
}

menu.addEventListener("input", show);
menu.querySelector("[data-drawing-reset]").addEventListener("click", () => {
  for (const control of controls()) control.value = "";
  show();
});
show();
