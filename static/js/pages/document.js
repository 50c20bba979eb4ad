// The passage comes into view, on a page of its own and in a panel. Left and right turn pages; up and down, from the bar,
// or J and K from anywhere where letters are switched on, walk the passages.
import { areLetterKeysOn, isTextField } from "../ui/shortcuts.js";

const smooth = matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";

function bring(root, behavior) {
  const passage = root.querySelector("[data-passage] [data-here], [data-passage][data-here]");
  passage?.scrollIntoView({ block: "center", inline: "center", behavior });
  const small = root.querySelector("[data-small-pages]");
  const page = small?.querySelector("[aria-current]");
  if (!page) return;
  small.scrollTop = page.offsetTop - small.offsetTop - small.clientHeight / 3;
  small.scrollLeft = page.offsetLeft - small.offsetLeft - small.clientWidth / 3;
}

// The bar is drawn anew with every page: the focus stays in it all the same.
let focusedId = null; // id of the control of the bar that had the focus

bring(document, "instant");
document.addEventListener("htmx:afterSettle", (event) => {
  bring(event.target, smooth);
  if (focusedId && document.activeElement === document.body) document.getElementById(focusedId)?.focus({ preventScroll: true });
});

document.addEventListener("focusin", ({ target }) => {
  if (!target.closest(".reading-bar")) focusedId = null;
});

const WALK = { k: "ArrowUp", j: "ArrowDown" };

function findLinkSelector(event) {
  const inBar = event.target.closest(".reading-bar") || (focusedId && event.target === document.body);
  if (inBar && /^Arrow(Up|Down)$/.test(event.key)) return `a[data-walk="${event.key}"]`;
  if (WALK[event.key] && areLetterKeysOn()) return `a[data-walk="${WALK[event.key]}"]`;
  return /^Arrow(Left|Right)$/.test(event.key) ? `a[data-key="${event.key}"]` : null;
}

document.addEventListener("keydown", (event) => {
  const busy = event.ctrlKey || event.metaKey || event.altKey || isTextField(event.target);
  const scrolls = event.target.matches?.(".sheet-of-paper, .scroll, pre, [data-small-pages] a");
  const selector = busy || document.querySelector("dialog[open]") ? null : findLinkSelector(event);
  if (!selector || (scrolls && event.key.startsWith("Arrow"))) return;
  const link = document.querySelector(`.reading-bar ${selector}`);
  if (!link) return;
  event.preventDefault();
  if (document.activeElement.closest(".reading-bar")) focusedId = document.activeElement.id || link.id;
  htmx.process(document.getElementById("reader")); // it may be on the page for some milliseconds only
  link.click();
});
