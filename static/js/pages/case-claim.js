// Renew the claim of a case, which lasts ten minutes, while the reviewer types, scrolls or moves the pointer.
import { gettext } from "../lib/i18n.js";

const form = document.querySelector("[data-renew]");
const EVERY_MS = 60_000;
const IDLE_MS = 5 * EVERY_MS;
let lastActivity = Date.now();

function expire(message) {
  clearInterval(timer);
  form.querySelector("[data-hint]").textContent = message || gettext("Your claim on this case has expired. Go back to the queue.");
}

async function renew() {
  if (Date.now() - lastActivity > IDLE_MS) return;
  const { csrfmiddlewaretoken, token } = form.elements;
  const body = new URLSearchParams({ csrfmiddlewaretoken: csrfmiddlewaretoken.value, token: token?.value ?? "" });
  let response;
  try {
    response = await fetch(form.dataset.renew, { method: "POST", body });
  } catch {
    return; // no line now; the next minute asks again
  }
  if (!response.ok) return expire();
  const { token: renewed, message } = await response.json();
  if (message) return expire(message);
  if (renewed) for (const field of document.querySelectorAll(".verdict [name=token]")) field.value = renewed;
}

for (const kind of ["keydown", "pointerdown", "pointermove", "scroll"]) {
  document.addEventListener(kind, () => (lastActivity = Date.now()), { capture: true, passive: true });
}
const timer = form && setInterval(renew, EVERY_MS);
