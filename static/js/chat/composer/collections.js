// Which collections are searched: ticks behind the + button are the truth, "#" in the question is the quick way to them.
import { registerTrigger } from "./triggers.js";
import { gettext, ngettext, interpolate } from "../../lib/i18n.js";

const form = document.querySelector("[data-composer]");
const field = form.querySelector("textarea");
const chips = form.querySelector("[data-chips]");
const boxes = [...form.querySelectorAll("[data-scope] input")];

const missing = chips.dataset.missing; // chip of chosen collections that are deleted or no longer shared
const areSomeLeft = boxes.some((box) => box.checked);
let isMissing = Boolean(missing); // the selection is as it was stored

export const getSelected = () => boxes.filter((box) => box.checked).map((box) => box.value);
// Collections of a question: null leaves those of the conversation; the server says which are missing, or refuses if none
// is left.
export const getScope = () => (isMissing ? null : getSelected());
export const clearSelection = () => {
  isMissing = false;
  choose(() => boxes.forEach((box) => (box.checked = false)));
};
export const selectionChanges = new EventTarget(); // "change": others are searched

function choose(change) {
  change?.();
  const on = boxes.filter((box) => box.checked);
  if (change && (on.length || areSomeLeft)) isMissing = false;
  const shown = on.map((box) => makeChip(box.dataset.name, () => (box.checked = false)));
  if (isMissing) shown.push(makeChip(missing, () => (isMissing = false)));
  chips.replaceChildren(...shown);
  selectionChanges.dispatchEvent(new Event("change"));
  nameScope();
}

function makeChip(name, remove) {
  const chip = Object.assign(document.createElement("button"), { type: "button", className: "chip" });
  chip.append(name, Object.assign(document.createElement("span"), { textContent: "×", ariaHidden: "true" }));
  chip.setAttribute("aria-label", interpolate(gettext("Remove %(name)s from the search"), { name }));
  chip.addEventListener("click", () => {
    choose(remove);
    field.focus();
  });
  return chip;
}

// What is searched, in a word or two: attached files come before collections that nobody chose.
function nameScope() {
  const words = form.querySelector("[data-scope-words]");
  if (!words) return;
  const { scopeWords: everywhere, filesFirst = everywhere } = words.dataset;
  const count = getSelected().length;
  if (count) words.textContent = ngettext("%(n)s collection", "%(n)s collections", count);
  else if (isMissing) words.textContent = missing;
  else words.textContent = form.querySelector("[data-file]") ? filesFirst : everywhere;
}

registerTrigger("#", {
  label: gettext("Collections"),
  find: (text) => boxes.filter((box) => !box.checked && box.dataset.name.toLocaleLowerCase().includes(text)),
  take: (box) => choose(() => (box.checked = true)),
});
boxes.forEach((box) => box.addEventListener("change", () => choose(() => {})));
document.addEventListener("files:changed", nameScope);
choose();
