// Settings that were kept fill the fields of the studio; the words stay as they are.
import { isPlainClick } from "../lib/clicks.js";
import { gettext, interpolate } from "../lib/i18n.js";

const studio = document.getElementById("studio");
const PROMPT = "prompt";
const settings = () => [...studio.elements].filter(({ name, type }) => name && name !== PROMPT && type !== "hidden");

function applyPreset(values) {
  for (const field of settings()) {
    const first = field.options?.[0].value ?? "";
    field.value = values[field.name] ?? first;
  }
  if (Object.keys(values).some((name) => studio.querySelector(`.more [name="${CSS.escape(name)}"]`))) studio.querySelector(".more").open = true;
}

document.addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-preset]");
  if (!chosen || !isPlainClick(event)) return;
  event.preventDefault();
  applyPreset(JSON.parse(chosen.dataset.preset));
  for (const one of document.querySelectorAll("[data-preset]")) one.toggleAttribute("aria-current", false);
  chosen.setAttribute("aria-current", "true");
  const { lacking } = chosen.dataset;
  const applied = interpolate(gettext("The settings of “%(name)s” were applied."), { name: chosen.textContent.trim() });
  const omitted = lacking && interpolate(gettext("Left out, because this model does not support it: %(lacking)s."), { lacking });
  document.querySelector("[data-preset-status]").textContent = [applied, omitted].filter(Boolean).join(" ");
});
