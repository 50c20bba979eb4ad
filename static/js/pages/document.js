// The passage comes into view, on a page of its own and in a panel. Left and right turn pages; up and down, from the bar,
// or J and K from anywhere where letters are switched on, walk the passages.
import { areLetterKeysOn, isTextField } from "../ui/shortcuts.js";

const smooth = matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";

function bring(root, behavior) {
  const here = root.querySelector("[data-passage] [data-here], [data-passage][data-here]");
  here?.scrollIntoView({ block: "center", inline: "center", behavior });
  const small = root.querySelector("[data-small-pages]");
  const page = small?.querySelector("[aria-current]");
  if (!page) return;
  small.scrollTop = page.offsetTop - small.offsetTop - small.clientHeight / 3;
  small.scrollLeft = page.offsetLeft - small.offsetLeft - small.clientWidth / 3;
}

// The bar is drawn anew with every page: the focus stays in it all the same.
let walked = null; // id of what had it

bring(document, "instant");
document.addEventListener("htmx:afterSettle", (event) => {
  bring(event.target, smooth);
  if (walked && document.activeElement === document.body) document.getElementById(walked)?.focus({ preventScroll: true });
});

document.addEventListener("focusin", ({ target }) => {
  if (!target.closest(".reading-bar")) walked = null;
});

const WALK = { k: "ArrowUp", j: "ArrowDown" };

function wanted(event) {
  const inBar = event.target.closest(".reading-bar") || (walked && event.target === document.body);
  if (inBar && /^Arrow(Up|Down)$/.test(event.key)) return `a[data-walk="${event.key}"]`;
  if (WALK[event.key] && areLetterKeysOn()) return `a[data-walk="${WALK[event.key]}"]`;
  return /^Arrow(Left|Right)$/.test(event.key) ? `a[data-key="${event.key}"]` : null;
}

document.addEventListener("keydown", (event) => {
  const busy = event.ctrlKey || event.metaKey || event.altKey || isTextField(event.target);
  const scrolls = event.target.matches?.(".sheet-of-paper, .scroll, pre, [data-small-pages] a");
  const link = busy || document.querySelector("dialog[open]") ? null : wanted(event);
  if (!link || (scrolls && event.key.startsWith("Arrow"))) return;
  const found = document.querySelector(`.reading-bar ${link}`);
  if (!found) return;
  event.preventDefault();
  if (document.activeElement.closest(".reading-bar")) walked = document.activeElement.id || found.id;
  htmx.process(document.getElementById("reader")); // it may be on the page for some milliseconds only
  found.click();
});
