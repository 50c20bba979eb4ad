// A pill shows its passage on hover and focus, and opens it beside the answer on click.
import { headers } from "../net/headers.js";
import { isPlainClick } from "../lib/clicks.js";
import { openPanel } from "../ui/panel.js";
import { gettext } from "../lib/i18n.js";

const DELAY_MS = 140;
const GAP_PX = 6;
const previews = new Map(); // href -> html, asked for once
const card = Object.assign(document.createElement("div"), { className: "hover-card", id: "hover-card", role: "tooltip", hidden: true });
document.body.append(card);
let pill = null;
let timer = 0;

const pillOf = (target) => target.closest?.("a.pill[href]");

const line = (className, textContent) => Object.assign(document.createElement("p"), { className, textContent }).outerHTML;

async function preview(href) {
  if (!previews.has(href)) {
    const url = new URL(href, location.href);
    url.searchParams.set("preview", "1");
    const answer = await fetch(url, { headers });
    if (!answer.ok && answer.status !== 404) throw new Error(String(answer.status));
    previews.set(href, answer.ok ? await answer.text() : line("card-title", gettext("No longer available")));
  }
  return previews.get(href);
}

async function show(anchor) {
  pill = anchor;
  let html = "";
  try {
    html = await preview(anchor.getAttribute("href"));
  } catch {
    html = line("card-text", gettext("The passage could not be loaded."));
  }
  if (pill !== anchor || !anchor.isConnected) return;
  card.innerHTML = html; // rendered and escaped by the server
  card.hidden = false;
  anchor.setAttribute("aria-describedby", card.id);
  positionCard(anchor.getBoundingClientRect());
}

function positionCard(at) {
  const { width, height } = card.getBoundingClientRect();
  const left = Math.min(Math.max(8, at.left + at.width / 2 - width / 2), document.documentElement.clientWidth - width - 8);
  const above = at.top - height - GAP_PX;
  card.style.left = `${left}px`;
  card.style.top = `${above > 8 ? above : at.bottom + GAP_PX}px`;
}

// Focus may have scrolled the page: the card stays at its pill as long as that is to be seen.
function repositionCard() {
  if (!pill || card.hidden) return;
  const at = pill.getBoundingClientRect();
  if (at.bottom < 0 || at.top > innerHeight) hide();
  else positionCard(at);
}

function hide() {
  clearTimeout(timer);
  pill?.removeAttribute("aria-describedby");
  pill = null;
  card.hidden = true;
}

function schedule(action) {
  clearTimeout(timer);
  timer = setTimeout(action, DELAY_MS);
}

document.addEventListener("pointerover", (event) => {
  if (event.pointerType === "touch") return;
  const over = pillOf(event.target);
  if (over && over !== pill) schedule(() => show(over));
  else if (over || card.contains(event.target)) clearTimeout(timer); // one may go to the card and read
  else if (pill || timer) schedule(hide);
});
document.addEventListener("focusin", ({ target }) => {
  if (pillOf(target) && target.matches(":focus-visible")) show(pillOf(target));
  else hide();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || card.hidden) return;
  event.stopImmediatePropagation();
  hide();
});
addEventListener("scroll", repositionCard, { passive: true });

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.pill[href], a.passage[href]");
  if (!link || !isPlainClick(event)) return;
  event.preventDefault();
  hide();
  openPanel(link);
});
