// Files that only this chat searches: sent at once, read by the server, and shown above the field with how far they are.
import { showRefusal } from "./refusal.js";
import { headers } from "../../net/headers.js";
import { fragment } from "../../lib/morph.js";
import { gettext, interpolate } from "../../lib/i18n.js";
import { announce } from "../../ui/announce.js";
import { storeDraft, readDraft } from "../drafts.js";

const LOOK_MS = 1000; // between looks at files that are being read
const form = document.querySelector("[data-composer]");
const field = form.querySelector("textarea");
const holder = form.querySelector("[data-file-holder]");
const shown = holder.querySelector("[data-files-here]");
const uploading = holder.querySelector("[data-files-coming]");
const rowTemplate = holder.querySelector("[data-file-coming]").content.firstElementChild;
const limit = Number(holder.dataset.maxBytes);
const conversation = () => document.querySelector("[data-chat]").dataset.conversation;
const list = () => shown.querySelector("[data-files]");
let html = ""; // of the list, as it came
let submitAfterUpload = false; // the question is sent once the files are there
let uploads = Promise.resolve(); // one file after the other: the first of a new chat opens the list that the others join

// The files that a new chat begins with.
export const getDraftFiles = () => (conversation() ? null : (list()?.dataset.files ?? null));

export function attachFile(file) {
  const item = { file, row: rowTemplate.cloneNode(true), request: new XMLHttpRequest(), over: false };
  item.row.querySelector("[data-name]").textContent = file.name;
  item.row.querySelector("[data-abort]").addEventListener("click", () => {
    item.over = true;
    item.request.abort();
    finish(item);
  });
  uploading.append(item.row);
  uploads = uploads.then(() => item.over || send(item));
}

function send(item) {
  const { file, row, request } = item;
  const body = new FormData();
  if (file.size > limit) {
    body.append("announced", file.name); // the server says why it is refused, before all of it is sent
    body.append("size", file.size);
  } else body.append("files", file);
  body.append("conversation", conversation() ?? "");
  body.append("draft", getDraftFiles() ?? "");
  const words = row.querySelector("[data-words]");
  request.upload.addEventListener("progress", ({ lengthComputable, loaded, total }) => {
    if (!lengthComputable) return;
    row.querySelector("progress").value = loaded / total;
    if (loaded === total) words.textContent = gettext("Saving");
  });
  request.open("POST", "/files/");
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
  return new Promise((resolve) => {
    request.addEventListener("loadend", () => resolve(settleUpload(item)));
    request.send(body);
  });
}

function settleUpload(item) {
  if (item.over) return;
  const { status, responseText, responseURL } = item.request;
  if (status === 200 && responseURL.endsWith("/files/")) {
    show(responseText);
    announce(interpolate(gettext("%(name)s is attached."), { name: item.file.name }));
  } else {
    submitAfterUpload = false; // nothing is asked without what it is about
    showRefusal([400, 429, 507].includes(status) ? `${item.file.name}: ${responseText}` : gettext("The file could not be uploaded. Check your connection and attach it again."));
  }
  finish(item);
}

function finish(item) {
  item.over = true;
  item.row.remove();
  if (submitAfterUpload && !uploading.childElementCount) form.requestSubmit();
}

function show(markup) {
  if (markup !== html) shown.replaceChildren(fragment(markup));
  html = markup;
  document.dispatchEvent(new CustomEvent("files:changed"));
  if (!conversation()) storeDraft("files", "", list()?.dataset.files ?? "");
  watch();
}

function watch(delay = LOOK_MS) {
  if (list()?.dataset.reading !== undefined) setTimeout(fetchList, delay);
}

async function fetchList() {
  if (document.hidden || !list()) return watch();
  const answer = await fetch(`/files/?of=${list().dataset.files}`, { headers }).catch(() => null);
  if (answer?.ok && !answer.redirected) show(await answer.text());
  else if (!answer || answer.status >= 500) watch(5 * LOOK_MS); // the server restarts
}

// A question waits for the files that are on their way; for those that are being read, the server lets it wait.
form.addEventListener("submit", (event) => {
  submitAfterUpload = uploading.childElementCount > 0;
  if (!submitAfterUpload) return;
  event.stopImmediatePropagation();
  event.preventDefault();
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
  dialog.addEventListener("close", () => {
    dialog.remove();
    field.focus();
  });
  dialog.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = new FormData(event.target);
    const reply = await fetch(event.target.action, { method: "POST", headers, body }).catch(() => null);
    if (reply?.ok) {
      const markup = await reply.text();
      dialog.close();
      return show(markup);
    }
    const refusal = dialog.querySelector("[data-move-refusal]");
    refusal.textContent = reply?.status === 400 ? await reply.text() : gettext("The file could not be moved. Try again in a moment.");
    refusal.hidden = false;
  });
  dialog.showModal();
}

// The files of a chat that was not begun yet, as they were before a reload.
async function restore(ids) {
  const answer = await fetch(`/files/?of=${ids}&draft`, { headers }).catch(() => null);
  if (answer?.ok && !list()) show(await answer.text());
  else if (answer?.status === 404) storeDraft("files", "", "");
}

const draftIds = conversation() ? "" : readDraft("files", "");
if (draftIds) restore(draftIds);
watch();
