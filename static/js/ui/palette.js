// Ctrl+K or Cmd+K, on every page: finds conversations, what was said, documents and collections. The focus stays in the
// field; arrow keys choose a result and Enter opens it.
import { isPlainClick } from "../lib/clicks.js";
import { gettext, ngettext } from "../lib/i18n.js";

const dialog = document.querySelector("[data-palette-dialog]");
const field = dialog?.querySelector("input");
const results = dialog?.querySelector("[role=listbox]");
const options = () => [...results.querySelectorAll("[role=option]")];
const chosen = () => results.querySelector("[aria-selected=true]");

function choose(option) {
  chosen()?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) field.setAttribute("aria-activedescendant", option.id);
  else field.removeAttribute("aria-activedescendant");
}

function open() {
  if (dialog.open) return field.select();
  dialog.showModal();
  field.select();
  htmx.trigger(field, "palette-opened");
}

// Enter waits for the results of the last letters if they have not arrived.
let enterPending = false;

function showResults() {
  choose(options()[0]);
  const count = options().length;
  dialog.querySelector("[data-palette-status]").textContent = count ? ngettext("%(n)s result", "%(n)s results", count) : gettext("No results");
  if (enterPending) chosen()?.click();
  enterPending = false;
}

function move(step) {
  const all = options();
  if (all.length) choose(all[(all.indexOf(chosen()) + step + all.length) % all.length]);
}

if (dialog) {
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette]") && isPlainClick(event)) {
      event.preventDefault();
      open();
    } else if (event.target === dialog) dialog.close(); // beside it
    else if (event.target.closest(".result")) dialog.close(); // it may lead to another part of this page
  });
  let query = ""; // of the results that are shown
  results.addEventListener("htmx:afterSwap", () => {
    query = field.value;
    showResults();
  });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Enter" && field.value !== query) enterPending = true;
    else if (event.key === "Enter") chosen()?.click();
    else if (event.key === "Escape") dialog.close(); // at once: a search field would only be emptied
    else return;
    event.preventDefault();
  });
  field.addEventListener("input", () => (enterPending = false));
}
