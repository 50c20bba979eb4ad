// Rows of a form that are selected by checkboxes: all at once, and how many there are.
import { onChange } from "../lib/changes.js";

// `find` returns the form, which may be replaced; `show` is told how many rows are selected, and whenever that changes.
export function watchSelection(find, show) {
  const boxes = () => [...(find()?.querySelectorAll("[name=id]") ?? [])];

  function count() {
    const all = find()?.querySelector("[data-all]");
    const chosen = boxes().filter((box) => box.checked).length;
    if (all) {
      all.checked = chosen > 0 && chosen === boxes().length;
      all.indeterminate = chosen > 0 && !all.checked;
      all.hidden = false;
    }
    show(chosen);
  }

  document.addEventListener("change", ({ target }) => {
    if (!find()?.contains(target)) return;
    if (target.matches("[data-all]")) for (const box of boxes()) box.checked = target.checked;
    count();
  });
  onChange(count);
  count();
}
