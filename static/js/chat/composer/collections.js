// Which collections are searched: ticks behind the + button are the truth, "#" in the question is the quick way to them.
import { trigger } from "./triggers.js";
import { gettext, ngettext, put } from "../../lib/i18n.js";

const form = document.querySelector("[data-composer]");
const field = form.querySelector("textarea");
const chips = form.querySelector("[data-chips]");
const boxes = [...form.querySelectorAll("[data-scope] input")];

export const chosen = () => boxes.filter((box) => box.checked).map((box) => box.value);
export const clear = () => choose(() => boxes.forEach((box) => (box.checked = false)));
export const changes = new EventTarget(); // "change": others are searched

function choose(change) {
  change?.();
  const on = boxes.filter((box) => box.checked);
  chips.replaceChildren(
    ...on.map((box) => {
      const chip = Object.assign(document.createElement("button"), { type: "button", className: "chip" });
      chip.append(box.dataset.name, Object.assign(document.createElement("span"), { textContent: "×", ariaHidden: "true" }));
      chip.setAttribute("aria-label", put(gettext("Remove %(name)s from the search"), { name: box.dataset.name }));
      chip.addEventListener("click", () => {
        choose(() => (box.checked = false));
        field.focus();
      });
      return chip;
    }),
  );
  changes.dispatchEvent(new Event("change"));
  nameScope();
}

// What is searched, in a word or two: attached files come before collections that nobody chose.
function nameScope() {
  const words = form.querySelector("[data-scope-words]");
  if (!words) return;
  const { scopeWords: everywhere, filesFirst = everywhere } = words.dataset;
  const count = chosen().length;
  if (count) words.textContent = ngettext("%(n)s collection", "%(n)s collections", count);
  else words.textContent = form.querySelector("[data-file]") ? filesFirst : everywhere;
}

trigger("#", {
  label: gettext("Collections"),
  find: (text) => boxes.filter((box) => !box.checked && box.dataset.name.toLocaleLowerCase().includes(text)),
  take: (box) => choose(() => (box.checked = true)),
});
boxes.forEach((box) => box.addEventListener("change", () => choose()));
document.addEventListener("files:changed", nameScope);
choose();
