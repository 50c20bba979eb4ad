// Settings that were kept fill the fields of the studio; the words stay as they are.
import { gettext, put } from "../lib/i18n.js";

const studio = document.getElementById("studio");
const words = "prompt";
const settings = () => [...studio.elements].filter(({ name, type }) => name && name !== words && type !== "hidden");

function fill(values) {
  for (const field of settings()) {
    const first = field.options?.[0].value ?? "";
    field.value = values[field.name] ?? first;
  }
  if (Object.keys(values).some((name) => studio.querySelector(`.more [name="${CSS.escape(name)}"]`))) studio.querySelector(".more").open = true;
}

document.addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-preset]");
  if (!chosen || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  fill(JSON.parse(chosen.dataset.preset));
  for (const one of document.querySelectorAll("[data-preset]")) one.toggleAttribute("aria-current", false);
  chosen.setAttribute("aria-current", "true");
  const { lacking } = chosen.dataset;
  const said = put(gettext("The settings of “%(name)s” were applied."), { name: chosen.textContent.trim() });
  const left = lacking && put(gettext("Left out, because this model does not support it: %(lacking)s."), { lacking });
  document.querySelector("[data-preset-said]").textContent = [said, left].filter(Boolean).join(" ");
});
