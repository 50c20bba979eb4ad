// A claim lasts ten minutes; it is kept for as long as keys, pointer or scrolling say that somebody is at it.
import { gettext } from "../lib/i18n.js";

const form = document.querySelector("[data-keep]");
const EVERY_MS = 60_000;
const IDLE_MS = 5 * EVERY_MS;
let seen = Date.now();

function over(words) {
  clearInterval(timer);
  form.querySelector("[data-hint]").textContent = words || gettext("Your claim on this case has expired. Go back to the queue.");
}

async function keep() {
  if (Date.now() - seen > IDLE_MS) return;
  const { csrfmiddlewaretoken, token } = form.elements;
  const body = new URLSearchParams({ csrfmiddlewaretoken: csrfmiddlewaretoken.value, token: token?.value ?? "" });
  let said;
  try {
    said = await fetch(form.dataset.keep, { method: "POST", body });
  } catch {
    return; // no line now; the next minute asks again
  }
  if (!said.ok) return over();
  const { token: now, words } = await said.json();
  if (words) return over(words);
  if (now) for (const field of document.querySelectorAll(".verdict [name=token]")) field.value = now;
}

for (const kind of ["keydown", "pointerdown", "pointermove", "scroll"]) {
  document.addEventListener(kind, () => (seen = Date.now()), { capture: true, passive: true });
}
const timer = form && setInterval(keep, EVERY_MS);
