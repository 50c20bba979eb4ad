// The panel on the right shows a source beside the answer; on a narrow screen it is a sheet over it.
import { gettext, interpolate } from "../lib/i18n.js";

const panel = document.querySelector("[data-panel]");
const body = panel.querySelector("[data-panel-body]");
const narrow = matchMedia("(max-width: 70rem)");
const getBackground = () => document.querySelectorAll(".sidebar, .centre");
let origin = null; // where the focus returns to

export async function openPanel(link, href = link.getAttribute("href"), { verb = "GET", values = {} } = {}) {
  origin = link;
  markCurrent(href);
  panel.hidden = false;
  updateModality();
  panel.focus({ preventScroll: true });
  await loadContent(href, verb, values);
}

async function loadContent(href, verb = "GET", values = {}) {
  panel.ariaBusy = "true";
  await htmx.ajax(verb, href, { target: body, swap: "innerHTML", values });
}

// Everything on the page that speaks of this source; a pill's address also says of which sentence it is.
function markCurrent(href) {
  const path = href && new URL(href, location.href).pathname;
  for (const other of document.querySelectorAll('[aria-current="true"]')) other.removeAttribute("aria-current");
  for (const link of document.querySelectorAll("a.pill, a.passage")) {
    if (link.pathname === path) link.setAttribute("aria-current", "true");
  }
}

// On a narrow screen what lies behind cannot be reached until the sheet is closed.
function updateModality() {
  const over = narrow.matches && !panel.hidden;
  for (const part of getBackground()) part.inert = over;
  if (over) {
    panel.setAttribute("role", "dialog");
    panel.setAttribute("aria-modal", "true");
  } else {
    panel.removeAttribute("role");
    panel.removeAttribute("aria-modal");
  }
}

export function closePanel() {
  panel.hidden = true;
  updateModality();
  markCurrent(null);
  body.replaceChildren();
  const closed = origin?.closest("details.menu:not([open])"); // it was in a menu
  if (origin?.isConnected) (closed?.querySelector("summary") ?? origin).focus({ preventScroll: true });
}

async function walk(way) {
  const source = body.querySelector("[data-source-number]");
  const href = way < 0 ? source?.dataset.previous : source?.dataset.next;
  if (!href) return;
  markCurrent(href);
  await loadContent(href);
}

function updateHeader() {
  panel.ariaBusy = null;
  const source = body.querySelector("[data-source-number]");
  const named = body.querySelector("[data-panel-name]");
  for (const button of panel.querySelectorAll("[data-walk]")) button.hidden = Boolean(named);
  if (named) {
    panel.querySelector("[data-panel-title]").textContent = named.dataset.panelName;
    panel.querySelector("[data-panel-state]").textContent = "";
    body.scrollTop = 0;
  }
  if (!source) return;
  panel.querySelector("[data-panel-title]").textContent = Number(source.dataset.sourceNumber)
    ? interpolate(gettext("Source %(n)s"), { n: source.dataset.sourceNumber })
    : gettext("Source"); // while its answer is written
  panel.querySelector("[data-panel-state]").textContent = source.dataset.state;
  panel.querySelector('[data-walk="-1"]').disabled = !source.dataset.previous;
  panel.querySelector('[data-walk="1"]').disabled = !source.dataset.next;
}

function scrollToPassage() {
  const passage = body.querySelector("[data-here], mark");
  if (!passage) return;
  body.scrollTop += passage.getBoundingClientRect().top - body.getBoundingClientRect().top - body.clientHeight / 4;
}

panel.addEventListener("click", (event) => {
  const button = event.target.closest("[data-walk], [data-close-panel]");
  if (button) button.dataset.walk ? walk(Number(button.dataset.walk)) : closePanel();
});
document.addEventListener("keydown", (event) => {
  if (panel.hidden || event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") closePanel();
  if (!panel.contains(document.activeElement) || !/^Arrow(Up|Down)$/.test(event.key)) return;
  if (!body.querySelector("[data-source-number]")) return;
  event.preventDefault();
  walk(event.key === "ArrowUp" ? -1 : 1);
});
// A control that was used in here may be gone with what it changed.
let hadFocus = false;
body.addEventListener("htmx:beforeSwap", () => {
  hadFocus = body.contains(document.activeElement);
});
body.addEventListener("htmx:afterSettle", () => {
  if (hadFocus && document.activeElement === document.body) panel.focus({ preventScroll: true });
  updateHeader();
  scrollToPassage();
});
for (const failure of ["htmx:responseError", "htmx:sendError"]) {
  body.addEventListener(failure, () => {
    panel.ariaBusy = null;
    body.textContent = gettext("This passage cannot be shown. It may have been deleted, or you no longer have access to it.");
  });
}
narrow.addEventListener("change", updateModality);
