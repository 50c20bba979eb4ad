// Files that only this chat searches: sent at once, read by the server, and shown above the field with how far they are.
import { headers } from "../../net/headers.js";
import { fragment } from "../../lib/morph.js";
import { gettext, put } from "../../lib/i18n.js";
import { say } from "../../ui/announce.js";
import { keep, recall } from "../drafts.js";

const LOOK_MS = 1000; // between looks at files that are being read
const form = document.querySelector("[data-composer]");
const field = form.querySelector("textarea");
const holder = form.querySelector("[data-file-holder]");
const shown = holder.querySelector("[data-files-here]");
const coming = holder.querySelector("[data-files-coming]");
const pattern = holder.querySelector("[data-file-coming]").content.firstElementChild;
const limit = Number(holder.dataset.maxBytes);
const conversation = () => document.querySelector("[data-chat]").dataset.conversation;
const list = () => shown.querySelector("[data-files]");
let html = ""; // of the list, as it came
let due = false; // the question is sent once the files are there
let line = Promise.resolve(); // one file after the other: the first of a new chat opens the list that the others join

// The files that a new chat begins with.
export const files = () => (conversation() ? null : (list()?.dataset.files ?? null));

export function attach(file, refuse) {
  const item = { file, refuse, row: pattern.cloneNode(true), request: new XMLHttpRequest(), over: false };
  item.row.querySelector("[data-name]").textContent = file.name;
  item.row.querySelector("[data-abort]").addEventListener("click", () => {
    item.over = true;
    item.request.abort();
    end(item);
  });
  coming.append(item.row);
  line = line.then(() => item.over || send(item));
}

function send(item) {
  const { file, row, request } = item;
  const body = new FormData();
  if (file.size > limit) {
    body.append("announced", file.name); // the server says why it is refused, before all of it is sent
    body.append("size", file.size);
  } else body.append("files", file);
  body.append("conversation", conversation() ?? "");
  body.append("draft", files() ?? "");
  const words = row.querySelector("[data-words]");
  request.upload.addEventListener("progress", ({ lengthComputable, loaded, total }) => {
    if (!lengthComputable) return;
    row.querySelector("progress").value = loaded / total;
    if (loaded === total) words.textContent = gettext("Saving");
  });
  request.open("POST", "/files/");
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
  return new Promise((done) => {
    request.addEventListener("loadend", () => done(arrived(item)));
    request.send(body);
  });
}

function arrived(item) {
  if (item.over) return;
  const { status, responseText, responseURL } = item.request;
  if (status === 200 && responseURL.endsWith("/files/")) {
    show(responseText);
    say(put(gettext("%(name)s is attached."), { name: item.file.name }));
  } else {
    due = false; // nothing is asked without what it is about
    item.refuse([400, 429, 507].includes(status) ? `${item.file.name}: ${responseText}` : gettext("The file could not be uploaded. Check your connection and attach it again."));
  }
  end(item);
}

function end(item) {
  item.over = true;
  item.row.remove();
  if (due && !coming.childElementCount) form.requestSubmit();
}

function show(next) {
  if (next !== html) shown.replaceChildren(fragment(next));
  html = next;
  document.dispatchEvent(new CustomEvent("files:changed"));
  if (!conversation()) keep("files", "", list()?.dataset.files ?? "");
  watch();
}

function watch(after = LOOK_MS) {
  if (list()?.dataset.reading !== undefined) setTimeout(look, after);
}

async function look() {
  if (document.hidden || !list()) return watch();
  const answer = await fetch(`/files/?of=${list().dataset.files}`, { headers }).catch(() => null);
  if (answer?.ok && !answer.redirected) show(await answer.text());
  else if (!answer || answer.status >= 500) watch(5 * LOOK_MS); // the server restarts
}

// A question waits for the files that are on their way; for those that are being read, the server lets it wait.
form.addEventListener("submit", (event) => {
  due = coming.childElementCount > 0;
  if (due) event.stopImmediatePropagation() ?? event.preventDefault();
});

shown.addEventListener("click", ({ target }) => {
  const verb = target.closest("[data-file-do]")?.dataset.fileDo;
  const id = target.closest("[data-file]")?.dataset.file;
  if (verb === "remove") remove(id);
  if (verb === "move") move(id);
});

async function remove(id) {
  const answer = await fetch(`/files/${id}/remove/`, { method: "POST", headers }).catch(() => null);
  if (answer?.ok) show(await answer.text());
  field.focus();
}

async function move(id) {
  const answer = await fetch(`/files/${id}/move/`, { headers }).catch(() => null);
  if (!answer?.ok) return;
  const dialog = fragment(await answer.text()).firstElementChild;
  form.after(dialog);
  dialog.addEventListener("close", () => (dialog.remove(), field.focus()));
  dialog.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = new FormData(event.target);
    const said = await fetch(event.target.action, { method: "POST", headers, body }).catch(() => null);
    if (said?.ok) return show(await said.text(), dialog.close());
    const refusal = dialog.querySelector("[data-move-refusal]");
    refusal.textContent = said?.status === 400 ? await said.text() : gettext("The file could not be moved. Try again in a moment.");
    refusal.hidden = false;
  });
  dialog.showModal();
}

// The files of a chat that was not begun yet, as they were before a reload.
async function restore(known) {
  const answer = await fetch(`/files/?of=${known}&draft`, { headers }).catch(() => null);
  if (answer?.ok && !list()) show(await answer.text());
  else if (answer?.status === 404) keep("files", "", "");
}

const left = conversation() ? "" : recall("files", "");
if (left) restore(left);
watch();
