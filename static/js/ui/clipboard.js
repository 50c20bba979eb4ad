// Copies text and says so on the button for a moment. Where the browser forbids it, as without https, the field that
// holds the text is selected instead. A button `data-copy-link="ID"` copies the field with that id.
import { gettext } from "../lib/i18n.js";

const SHOWN_MS = 1600;

export async function copyText(text, button, field = null) {
  const words = button.querySelector("[data-words]") ?? button;
  const label = (words.dataset.label ??= words.textContent);
  try {
    await navigator.clipboard.writeText(text);
    words.textContent = gettext("Copied");
  } catch {
    field?.select();
    words.textContent = field ? gettext("Press Ctrl+C to copy") : gettext("Your browser does not allow this");
  }
  setTimeout(() => (words.textContent = label), SHOWN_MS);
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-copy-link]");
  const field = button && document.getElementById(button.dataset.copyLink);
  if (field) copyText(field.value, button, field);
});
document.addEventListener("focusin", ({ target }) => {
  if (target.matches("[data-link-field]")) target.select();
});
