// The sidebar is a drawer on narrow screens; on wide ones it can be hidden, which the browser remembers.
import { onChange } from "../lib/changes.js";
import { readStored, store } from "../lib/storage.js";
import { refreshConversations } from "./conversation-list.js";

const sidebar = document.getElementById("sidebar");
const opener = document.querySelector("[data-drawer]");
const centre = document.querySelector(".centre");
const wide = matchMedia("(min-width: 56rem)");
const root = document.documentElement;
let scrim = null;

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
    reveal();
  } else {
    scrim?.remove();
    scrim = null;
    opener.focus();
  }
}

function hide(hidden) {
  if (hidden) root.dataset.sidebar = "hidden";
  else delete root.dataset.sidebar;
  store("sidebar", hidden ? "hidden" : "shown");
  opener.setAttribute("aria-expanded", String(!hidden));
  (hidden ? opener : sidebar.querySelector("[data-collapse]")).focus();
}

const list = () => document.getElementById("conversation-list");

// The way to what follows goes when it comes; who stands on it goes on at the first of what came.
function moveFocus({ target }) {
  const more = target.closest?.("[data-more]");
  if (!more?.contains(document.activeElement)) return;
  const lastEntry = more.previousElementSibling;
  const following = () => {
    let next = lastEntry.nextElementSibling;
    while (next && !next.querySelector("a, button, input")) next = next.nextElementSibling; // a heading
    next?.querySelector("a, button, input").focus();
  };
  document.addEventListener("htmx:afterSettle", following, { once: true });
}

// The page of an import asks for its report again and again: what came along stands in the list at once.
function refreshAfterImport({ detail }) {
  const former = detail?.target;
  const current = former?.id === "import" && document.getElementById("import");
  if (current && current.dataset.imported !== former.dataset.imported) refreshConversations();
}

// The open conversation is in sight, also where the list is longer than its room.
const reveal = () => list().querySelector('[aria-current="page"]')?.scrollIntoView({ block: "nearest" });

const closedFolders = () => new Set(JSON.parse(readStored("closed-folders") ?? "[]"));

// Folders stay as they were left.
function remember(folder) {
  const names = closedFolders();
  folder.open ? names.delete(folder.dataset.drawerName) : names.add(folder.dataset.drawerName);
  store("closed-folders", JSON.stringify([...names]));
}

function arrange() {
  const names = closedFolders();
  for (const folder of list().querySelectorAll("[data-drawer-name]")) folder.open = !names.has(folder.dataset.drawerName);
}

if (sidebar) {
  opener.addEventListener("click", () => (wide.matches ? hide(false) : show(!sidebar.classList.contains("open"))));
  sidebar.querySelector("[data-collapse]").addEventListener("click", () => (wide.matches ? hide(true) : show(false)));
  document.addEventListener("htmx:beforeSwap", moveFocus);
  sidebar.addEventListener("toggle", ({ target }) => target.matches("[data-drawer-name]") && remember(target), true);
  onChange(arrange);
  document.addEventListener("htmx:afterSwap", refreshAfterImport);
  arrange();
  if (wide.matches) reveal();
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && scrim && !document.querySelector("dialog[open]")) show(false);
  });
  wide.addEventListener("change", () => scrim && show(false));
}
