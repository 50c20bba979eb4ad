// The link of a conversation: its form in the panel, and copying it.
import { openPanel } from "./panel.js";
import { last } from "./transcript.js";
import { gettext } from "./words.js";

document.addEventListener("click", async ({ target }) => {
  const opener = target.closest("[data-share]");
  if (opener) {
    const menu = opener.closest("details");
    const { conversation } = document.querySelector("[data-chat]").dataset;
    menu.open = false;
    openPanel(menu.querySelector("summary"), `/c/${conversation}/share/?at=${last() ?? ""}`);
  }
  const copier = target.closest("[data-copy-link]");
  if (!copier) return;
  const field = document.querySelector("[data-link]");
  const words = copier.querySelector("[data-words]");
  try {
    await navigator.clipboard.writeText(field.value);
    words.textContent = gettext("Copied");
  } catch {
    field.select();
    words.textContent = gettext("Press Ctrl C to copy");
  }
});
