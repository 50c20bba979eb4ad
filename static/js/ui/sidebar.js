// The sidebar is a drawer on narrow screens, and its list can be filtered by title.
import { onChange } from "../lib/changes.js";
import { refresh } from "./conversation-list.js";

const PAUSE_MS = 200;
const sidebar = document.getElementById("sidebar");
const opener = document.querySelector("[data-drawer]");
const centre = document.querySelector(".centre");
const field = document.querySelector("[data-filter]");
let scrim = null;
let asking = 0;

function show(open) {
  sidebar.classList.toggle("open", open);
  opener.setAttribute("aria-expanded", String(open));
  centre.inert = open; // the focus stays in the drawer
  if (open) {
    scrim = document.createElement("div");
    scrim.className = "scrim";
    scrim.addEventListener("click", () => show(false));
    document.body.append(scrim);
    sidebar.querySelector("a, button").focus();
  } else {
    scrim?.remove();
    scrim = null;
    opener.focus();
  }
}

const list = () => document.getElementById("conversation-list");

// What is here is looked through at once. Where there is more, the server looks, and its list stands as it came.
function filter() {
  const wanted = field.value.trim();
  const { titled } = list().dataset;
  clearTimeout(asking);
  if (wanted !== titled && (titled || list().querySelector("[data-more]"))) asking = setTimeout(refresh, PAUSE_MS);
  let shown = 0;
  for (const link of list().querySelectorAll("[data-conversation]")) {
    const match = wanted === titled || link.textContent.toLocaleLowerCase().includes(wanted.toLocaleLowerCase());
    link.parentElement.hidden = !match;
    shown += match;
  }
  for (const more of list().querySelectorAll("[data-more]")) more.hidden = wanted !== "";
  list().querySelector("[data-no-match]").hidden = shown > 0 || !wanted;
}

// The way to what follows goes when it comes; who stands on it goes on at the first of what came.
function goOn({ target }) {
  const more = target.closest?.("[data-more]");
  if (!more?.contains(document.activeElement)) return;
  const before = more.previousElementSibling;
  document.addEventListener("htmx:afterSettle", () => before.nextElementSibling?.querySelector("a, button, input").focus(), { once: true });
}

// The page of an import asks for its report again and again: what came along stands in the list at once.
function brought({ detail }) {
  const before = detail?.target;
  const now = before?.id === "import" && document.getElementById("import");
  if (now && now.dataset.imported !== before.dataset.imported) refresh();
}

const closed = () => {
  try {
    return new Set(JSON.parse(localStorage.getItem("closed-folders") ?? "[]"));
  } catch {
    return new Set(); // storage may be forbidden
  }
};

// Folders stay as they were left.
function remember(folder) {
  const names = closed();
  folder.open ? names.delete(folder.dataset.drawerName) : names.add(folder.dataset.drawerName);
  try {
    localStorage.setItem("closed-folders", JSON.stringify([...names]));
  } catch {
    // see above
  }
}

function arrange() {
  const names = closed();
  for (const folder of sidebar.querySelectorAll("[data-drawer-name]")) folder.open = !names.has(folder.dataset.drawerName);
}

if (sidebar) {
  opener.addEventListener("click", () => show(!sidebar.classList.contains("open")));
  field.addEventListener("input", filter);
  document.addEventListener("htmx:beforeSwap", goOn);
  sidebar.addEventListener("toggle", ({ target }) => target.matches("[data-drawer-name]") && remember(target), true);
  onChange(arrange);
  document.addEventListener("htmx:afterSwap", brought);
  arrange();
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && scrim) show(false);
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    if (!scrim && opener.checkVisibility()) show(true);
    sidebar.querySelector("[data-filter]").select();
  });
  matchMedia("(min-width: 56rem)").addEventListener("change", () => scrim && show(false));
}
