// The page of all conversations: selecting many, and what can be done with them.
import { onChange } from "../lib/changes.js";
import { gettext, interpolate } from "../lib/i18n.js";

const results = () => document.querySelector("[data-found]");
const boxes = () => [...results().querySelectorAll("[name=id]")];

function count() {
  const bulk = results().querySelector("[data-bulk]");
  if (!bulk) return;
  const all = bulk.querySelector("[data-all]");
  const chosen = boxes().filter((box) => box.checked).length;
  all.checked = chosen > 0 && chosen === boxes().length;
  all.indeterminate = chosen > 0 && !all.checked;
  bulk.querySelector("[data-bulk-actions]").hidden = !chosen;
  bulk.querySelector("[data-bulk-words]").textContent = chosen ? interpolate(gettext("%(n)s selected"), { n: chosen }) : gettext("Select all");
}

document.addEventListener("change", ({ target }) => {
  if (!results().contains(target)) return;
  if (target.matches("[data-all]")) for (const box of boxes()) box.checked = target.checked;
  count();
});

onChange(count);
count();
