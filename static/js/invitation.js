// Copies the link of a new invitation.
import { gettext } from "./words.js";

for (const button of document.querySelectorAll("[data-copy-link]")) {
  const field = document.getElementById(button.dataset.copyLink);
  field.addEventListener("focus", () => field.select());
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = gettext("Copied");
    } catch {
      button.textContent = gettext("Selected: press Ctrl C"); // without https, browsers do not let a page copy
    }
  });
}
