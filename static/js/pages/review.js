// Review by keyboard: J and K walk the queue, letters decide, digits say why, U takes back. Buttons do the same.
// What an outcome needs to be told is folded; it opens before that outcome is sent for the first time. A decision on an
// appeal cannot be undone: its button and its key open a dialog that asks for it.
import { areShortcutsOff, isTextField } from "../ui/shortcuts.js";
import { gettext, ngettext } from "../lib/i18n.js";

const rows = () => [...document.querySelectorAll("[data-case]")];
const hint = document.querySelector("[data-hint]");

function walkQueue(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(document.activeElement.closest("[data-case]"));
  all[Math.min(all.length - 1, Math.max(0, at + step))].focus();
}

// Keys that are typed while the text of the same case is being loaded are used on the page that comes. Those typed after
// a decision are not: they would decide the next case unseen.
const KEPT = "review-keys";
const KEPT_MS = 5000; // milliseconds after which what was typed is forgotten
let typed = null; // keys since the page began to load again, or null

function keepKeys(link) {
  if (new URL(link.href).pathname !== location.pathname) return;
  typed = [];
  setTimeout(() => (typed = null), KEPT_MS); // it did not load
}

function keepKey(key) {
  typed.push(key);
  sessionStorage.setItem(KEPT, JSON.stringify({ path: location.pathname, keys: typed, at: Date.now() }));
}

function useKeptKeys() {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  sessionStorage.removeItem(KEPT);
  if (!kept || kept.path !== location.pathname || Date.now() - kept.at > KEPT_MS) return;
  for (const key of kept.keys) {
    const control = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (control) usePageKey(control);
  }
}

function usePageKey(control) {
  if (control.type === "radio") {
    control.checked = true;
    control.focus();
    control.dispatchEvent(new Event("change", { bubbles: true }));
    if (hint) hint.textContent = "";
  } else if (control.tagName === "SUMMARY") {
    control.parentElement.open = !control.parentElement.open;
  } else if (control.matches("textarea, select")) {
    const around = control.closest("details");
    if (around) around.open = true;
    control.focus();
  } else if (control.tagName === "A") {
    keepKeys(control);
    control.click();
  } else {
    control.form.requestSubmit(control);
  }
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches("textarea, select")) return event.target.blur();
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTextField(event.target) || areShortcutsOff()) return;
  if (document.querySelector("dialog[open]")) return;
  const key = event.key.toLowerCase();
  if (typed) return keepKey(key);
  if (document.querySelector("[data-queue]") && (key === "j" || key === "k")) return walkQueue(key === "j" ? 1 : -1);
  const row = document.activeElement.closest("[data-case]");
  if (row && key === "enter" && event.target === row) return (row.querySelector("[data-open]") ?? row.querySelector("a.title")).click();
  const undo = document.querySelector("[data-undo] button");
  if (key === "u" && undo) return undo.form.requestSubmit(undo);
  const control = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!control) return;
  event.preventDefault();
  usePageKey(control);
});

// A missing reason is asked for beside the reasons, in place of the browser's bubble, which moves the page.
function askForReason(reasons) {
  const error = reasons.querySelector("[data-reason-error]");
  error.textContent = gettext("Choose a reason first.");
  reasons.querySelector("[name=reason]").focus({ preventScroll: true });
  reasons.scrollIntoView({ block: "nearest" });
  reasons.addEventListener("change", () => error.replaceChildren(), { once: true });
}

document.querySelector("[data-decide]")?.addEventListener(
  "invalid",
  (event) => {
    if (event.target.name !== "reason") return;
    event.preventDefault();
    if (event.target === event.target.form.elements.reason[0]) askForReason(event.target.closest("fieldset"));
  },
  true,
);

// Flagged content that the reviewer has not opened is asked for once, before the first decision.
const unread = new Set(document.querySelectorAll("[data-unread]"));
for (const part of unread) part.addEventListener("toggle", () => unread.delete(part), { once: true });

function askFor(event, words) {
  event.preventDefault();
  hint.textContent = words;
  hint.scrollIntoView({ block: "nearest" }); // stands below what was opened
}

document.querySelector("[data-decide]")?.addEventListener("submit", (event) => {
  if (unread.size) {
    unread.clear();
    return askFor(event, gettext("You have not opened the flagged content. Open it, or choose the action again to decide without seeing it."));
  }
  const needed = event.target.querySelector(`details[data-for="${CSS.escape(event.submitter?.value ?? "")}"]:not([open])`);
  if (needed) {
    needed.open = true;
    return askFor(event, gettext("Check what this decision does, then choose it again."));
  }
  const dialog = document.getElementById(`confirm-${event.submitter?.value}`);
  if (!dialog || dialog.contains(event.submitter)) return;
  event.preventDefault();
  dialog.showModal();
});

// A note is sent with every way of leaving a case.
document.querySelector("[data-leave]")?.addEventListener("submit", (event) => {
  event.target.elements.note.value = document.getElementById("note").value;
});

// A decision can be undone for some seconds, which are counted down; then the offer goes. A timer is not read aloud.
function countDown(offer) {
  const counter = offer.querySelector("[data-undo-left]");
  const ends = performance.now() + Number(offer.dataset.undo) * 1000;
  const timer = setInterval(() => {
    const n = Math.ceil((ends - performance.now()) / 1000);
    if (n > 0) counter.textContent = ngettext("%(n)s second left", "%(n)s seconds left", n);
    else {
      clearInterval(timer);
      offer.remove();
    }
  }, 200);
}

const offer = document.querySelector("[data-undo]");
if (offer) countDown(offer);

useKeptKeys();
