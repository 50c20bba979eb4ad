// A passage of the list opens on its page beside it; up and down walk the list, Esc returns to the passage.
import { isPlainClick } from "../lib/clicks.js";
import { isTextField } from "../ui/shortcuts.js";
import { gettext } from "../lib/i18n.js";

const list = document.querySelector("[data-beside]");
const aside = list?.querySelector("[data-page-beside]");
const body = list?.querySelector("[data-page-beside-body]");
const wide = matchMedia("(min-width: 70rem)");
const links = () => [...list.querySelectorAll("[data-passage-href]")];
let open = null; // id of the item, which may be drawn again

const item = () => open && document.getElementById(open);

async function openPassage(link) {
  mark(false);
  open = link.closest("[data-item]").id;
  mark(true);
  aside.hidden = false;
  aside.ariaBusy = "true";
  await htmx.ajax("GET", link.dataset.passageHref, { target: body, swap: "innerHTML" });
}

const mark = (on) => item()?.toggleAttribute("data-open", on);

function close() {
  mark(false);
  aside.hidden = true;
  body.replaceChildren();
  item()?.querySelector("[data-passage-href]").focus();
  open = null;
}

function walkList(way) {
  const all = links();
  const at = all.findIndex((link) => link.closest("[data-item]").id === open);
  const next = all[at + way];
  if (!next) return;
  if (!aside.contains(document.activeElement)) next.focus({ preventScroll: true });
  next.closest("[data-item]").scrollIntoView({ block: "nearest" });
  openPassage(next);
}

list?.addEventListener("click", (event) => {
  const link = event.target.closest("[data-passage-href]");
  if (event.target.closest("[data-close-beside]")) return close();
  if (!link || !wide.matches || !isPlainClick(event)) return;
  event.preventDefault();
  openPassage(link);
});

document.addEventListener("keydown", (event) => {
  if (!open || event.defaultPrevented || isTextField(event.target)) return;
  if (event.key === "Escape") close();
  if (!/^Arrow(Up|Down)$/.test(event.key)) return;
  event.preventDefault();
  walkList(event.key === "ArrowUp" ? -1 : 1);
});

body?.addEventListener("htmx:afterSettle", () => {
  aside.ariaBusy = null;
  const passage = body.querySelector("[data-here], mark");
  if (passage) body.scrollTop += passage.getBoundingClientRect().top - body.getBoundingClientRect().top - body.clientHeight / 3;
});
for (const failure of ["htmx:responseError", "htmx:sendError"]) {
  body?.addEventListener(failure, () => {
    aside.ariaBusy = null;
    body.textContent = gettext("This page cannot be shown. The document may have been deleted, or you no longer have access to it.");
  });
}
list?.addEventListener("htmx:afterSwap", () => mark(true));
