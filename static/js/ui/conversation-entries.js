// What can be done with a conversation in the list: a menu, a new title in its place, and dragging it into a folder.
import { isPlainClick } from "../lib/clicks.js";
import { gettext } from "../lib/i18n.js";
import { refreshConversations } from "./conversation-list.js";
import { editTags } from "./tags.js";
import { addToast, clearToasts } from "./toast.js";

const list = () => document.getElementById("conversation-list");
const sheet = document.querySelector("[data-entry-sheet]");
const DRAGGED = "application/x-conversation";
const wide = matchMedia("(min-width: 56rem)");
let link = null; // of the conversation that the menu is for
let dragged = null;

const change = (values) => htmx.ajax("POST", "/conversations/change/", { swap: "none", values }).then(refreshConversations);

async function archive(id) {
  await change({ do: "archive", id });
  clearToasts();
  addToast(gettext("Conversation archived."), gettext("Undo"), () => change({ do: "unarchive", id }));
}

function openMenu(button) {
  link = button.closest("li").querySelector("[data-conversation]");
  const pinned = "pinned" in link.dataset;
  sheet.querySelector("[data-entry-do=pin]").hidden = pinned;
  sheet.querySelector("[data-entry-do=unpin]").hidden = !pinned;
  const folder = link.closest("details[data-drop]")?.dataset.drop ?? "";
  const select = sheet.querySelector("select");
  const folders = [...list().querySelectorAll("details[data-drop]")];
  select.replaceChildren(select.options[0], ...folders.map((folder) => new Option(folder.dataset.drawerName, folder.dataset.drop)));
  select.value = folder;
  sheet.querySelector("[data-entry-move]").elements.name.value = "";
  const { elements } = sheet.querySelector("[data-entry-delete]");
  elements.id.value = link.dataset.conversation;
  elements.back.value = link.pathname === location.pathname ? "/" : location.pathname + location.search;
  sheet.showPopover();
  const { right, top } = button.getBoundingClientRect();
  const { width, height } = sheet.getBoundingClientRect();
  sheet.style.left = `${Math.max(8, Math.min(right - 24, innerWidth - width - 8))}px`;
  sheet.style.top = `${Math.max(8, Math.min(top + 24, innerHeight - height - 8))}px`;
  sheet.querySelector("button:not([hidden])").focus();
}

// The title becomes a field: Enter saves, Esc leaves it as it was, and so does leaving the field without a change.
function rename(entry) {
  const title = entry.querySelector(".title").textContent;
  const field = Object.assign(document.createElement("input"), { className: "rename", value: title, maxLength: 120, autocomplete: "off" });
  field.setAttribute("aria-label", gettext("Title"));
  entry.hidden = true;
  entry.after(field);
  field.select();
  let over = false;
  const end = (save, focus) => {
    if (over) return;
    over = true;
    field.remove();
    entry.hidden = false;
    if (focus) entry.focus();
    const value = field.value.trim();
    if (!save || !value || value === title) return;
    entry.querySelector(".title").textContent = value;
    const again = () => focus && list().querySelector(`[data-conversation="${CSS.escape(entry.dataset.conversation)}"]`)?.focus();
    htmx.ajax("POST", `/c/${entry.dataset.conversation}/rename/`, { swap: "none", values: { title: value } }).then(refreshConversations).then(again);
  };
  field.addEventListener("keydown", (event) => {
    event.stopPropagation(); // no shortcut of the page
    if (event.key === "Enter" && !event.isComposing) end(true, true);
    else if (event.key === "Escape") end(false, true);
    else return;
    event.preventDefault();
  });
  field.addEventListener("blur", () => end(true, false));
}

const target = (event) => (dragged ? event.target.closest?.("#conversation-list [data-drop]") : null);

function mark(folder) {
  for (const other of list().querySelectorAll(".drop-target")) if (other !== folder) other.classList.remove("drop-target");
  folder?.classList.add("drop-target");
}

async function drop(folder, entry) {
  const id = entry.dataset.conversation;
  const into = folder.dataset.drop;
  if (entry.closest("[data-drop]") === folder) return;
  if (into === "pinned") return change({ do: "pin", id });
  if ("pinned" in entry.dataset) await change({ do: "unpin", id });
  await change({ do: "move", id, folder: into });
}

if (sheet) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-entry-menu]");
    if (button) openMenu(button);
    // A second click on the conversation that is open is part of a double click: the page stays. In the drawer of narrow
    // screens the first one closes it.
    const entry = wide.matches && event.target.closest("#conversation-list [data-conversation]");
    if (entry && entry.pathname === location.pathname && isPlainClick(event)) event.preventDefault();
  });
  document.addEventListener("dblclick", (event) => {
    const entry = event.target.closest("#conversation-list [data-conversation]");
    if (entry && entry.pathname === location.pathname) rename(entry);
  });
  sheet.querySelector("[data-entry-rename]").addEventListener("click", () => {
    sheet.hidePopover();
    rename(link);
  });
  sheet.querySelector("[data-entry-tags]").addEventListener("click", () => {
    sheet.hidePopover();
    editTags(link.dataset.conversation, link.closest("li").querySelector("[data-entry-menu]"));
  });
  for (const button of sheet.querySelectorAll("[data-entry-do]")) {
    button.addEventListener("click", () => {
      sheet.hidePopover();
      const { conversation: id } = link.dataset;
      if (button.dataset.entryDo === "archive") archive(id);
      else change({ do: button.dataset.entryDo, id });
    });
  }
  sheet.querySelector("[data-entry-move]").addEventListener("submit", (event) => {
    event.preventDefault();
    const { folder, name } = event.target.elements;
    sheet.hidePopover();
    change({ do: "move", id: link.dataset.conversation, folder: folder.value, name: name.value });
  });
  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("#conversation-list [data-conversation]") ?? null;
    if (!dragged) return;
    event.dataTransfer.setData(DRAGGED, dragged.dataset.conversation);
    event.dataTransfer.effectAllowed = "move";
  });
  document.addEventListener("dragover", (event) => {
    const folder = target(event);
    mark(folder);
    if (folder) event.preventDefault();
  });
  document.addEventListener("dragend", () => {
    mark(null);
    dragged = null;
  });
  document.addEventListener("drop", (event) => {
    const folder = target(event);
    if (!folder) return;
    event.preventDefault();
    mark(null);
    drop(folder, dragged);
  });
}
