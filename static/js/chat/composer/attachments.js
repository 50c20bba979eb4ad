// Pictures that a question is asked about: attached by button, paste or drop, shown above the field, and sent with it.
// Other files go to the chat itself (files.js).
import { attachFile } from "./files.js";
import { hideRefusal, showRefusal } from "./refusal.js";
import { announce } from "../../ui/announce.js";
import { storeDraft, readDraft } from "../drafts.js";
import { onDrop } from "../../ui/dropzone.js";
import { headers } from "../../net/headers.js";
import { fragment } from "../../lib/morph.js";
import { gettext, interpolate } from "../../lib/i18n.js";

const MOST = 4;
const SHARED_MS = 3_600_000; // for which a shared file waits until the user has signed in
const form = document.querySelector("[data-composer]");
const field = form.querySelector("textarea");
const chips = form.querySelector("[data-attached-chips]");
const input = form.querySelector("[data-attach-file]");
const temporary = "temporary" in document.querySelector("[data-chat]").dataset;
const conversation = () => document.querySelector("[data-chat]").dataset.conversation;
const id = (chip) => chip.dataset.attached;
const ready = () => [...chips.querySelectorAll("[data-attached]:not([data-withheld])")];
const sent = new Map(); // text -> chips of a question that is under way: they come back where it is refused
let rerunIds = null; // ids that belong to a question which is asked anew
let submitting = false; // what is in the field is being sent
let uploads = 0; // pictures on their way to the server
let submitAfterUpload = false; // the question is sent once they are there

// What goes with a text; where it is being sent, the pictures leave the field with it.
export function takePictures(text) {
  if (rerunIds) return rerunIds;
  const pictures = ready();
  if (submitting) {
    sent.set(text, pictures);
    for (const chip of pictures) chip.remove();
    storeIds();
    storeDraft("attaching", conversation(), pictures.map(id).join(" "));
  }
  return pictures.map(id);
}

// The same pictures, as they stand below the question before the server has shown them.
export const clonePictures = (text) => (sent.get(text) ?? []).map((chip) => chip.querySelector("img").cloneNode());

function storeIds() {
  storeDraft("attached", conversation(), ready().map(id).join(" "));
  chips.hidden = !chips.childElementCount;
}

async function send(file) {
  if (chips.childElementCount >= MOST) return showRefusal(interpolate(gettext("You can attach up to %(most)s pictures to a question."), { most: MOST }));
  const waiting = Object.assign(document.createElement("span"), { className: "attached-chip small muted", textContent: gettext("Uploading the picture") });
  chips.append(waiting);
  chips.hidden = false;
  uploads += 1;
  const body = new FormData();
  body.append("picture", file, file.name || "picture.png");
  const answer = await fetch("/attached/", { method: "POST", body, headers }).catch(() => null);
  const words = answer && (await answer.text());
  if (answer?.ok && !answer.redirected) {
    waiting.replaceWith(fragment(words));
    announce(interpolate(gettext("%(name)s is attached."), { name: file.name || gettext("The picture") }));
  } else {
    waiting.remove();
    submitAfterUpload = false; // nothing is asked without what it is about
    const explained = answer && [400, 429].includes(answer.status);
    showRefusal(explained ? words : gettext("The picture could not be uploaded. Check your connection and attach it again."));
  }
  uploads -= 1;
  storeIds();
  if (submitAfterUpload && !uploads) form.requestSubmit();
}

function take(files) {
  hideRefusal();
  if (temporary) return showRefusal(gettext("Attached files are saved, so temporary chats cannot have any. Start a new chat."));
  for (const file of files) {
    if (file.type.startsWith("image/")) send(file);
    else attachFile(file);
  }
}

// Files that another app shared with the installed one: the service worker keeps them until they are taken here.
async function takeSharedFiles() {
  const cache = await caches.open("shared-1");
  const files = [];
  for (const request of await cache.keys()) {
    const response = await cache.match(request);
    if (Date.now() - Number(response.headers.get("X-Since")) > SHARED_MS) continue;
    const content = await response.blob();
    files.push(new File([content], decodeURIComponent(response.headers.get("X-Name")), { type: content.type }));
  }
  await caches.delete("shared-1");
  take(files);
}

// Chips as they were before a reload, a refusal, or the line of waiting questions.
export async function restorePictures(ids) {
  const missing = ids.filter((one) => !ready().some((chip) => id(chip) === one));
  if (!missing.length) return;
  const answer = await fetch(`/attached/?${missing.map((one) => `id=${one}`).join("&")}`, { headers }).catch(() => null);
  if (answer?.ok) chips.append(fragment(await answer.text()));
  storeIds();
}

form.addEventListener("submit", (event) => {
  submitAfterUpload = uploads > 0;
  if (submitAfterUpload) {
    event.stopImmediatePropagation();
    event.preventDefault();
    return;
  }
  submitting = true;
  setTimeout(() => (submitting = false));
});

document.addEventListener("composer:refused", ({ detail }) => {
  const back = (sent.get(detail) ?? []).filter((chip) => !ready().some((other) => id(other) === id(chip)));
  sent.delete(detail);
  chips.prepend(...back);
  storeIds();
});

// Asked anew with other words, it is about the same pictures.
document.addEventListener("question:rerun", ({ target }) => {
  rerunIds = [...target.querySelectorAll("[data-part=attached] [data-attached]")].map(id);
  setTimeout(() => (rerunIds = null));
}, { capture: true });

chips.addEventListener("click", ({ target }) => {
  const chip = target.closest("[data-attached]");
  if (!chip || !target.closest('[data-attached-do="remove"]')) return;
  fetch(`/attached/${id(chip)}/remove/`, { method: "POST", headers }).catch(() => {}); // else it goes by itself after a while
  chip.remove();
  storeIds();
  field.focus();
});

field.addEventListener("paste", (event) => {
  const pasted = [...event.clipboardData.files];
  if (!pasted.length) return;
  event.preventDefault();
  take(pasted);
});
form.querySelector("[data-attach]").addEventListener("click", () => input.click());
input.addEventListener("change", () => {
  take([...input.files]);
  input.value = "";
});
onDrop(document.querySelector("[data-attach-here]"), (entries) => take(entries.map(({ file }) => file)));

if ("sharedFiles" in document.querySelector("[data-chat]").dataset) takeSharedFiles();
const draftIds = ["attaching", "attached"].map((kind) => readDraft(kind, conversation())).join(" ");
storeDraft("attaching", conversation(), "");
restorePictures(draftIds.split(" ").filter(Boolean));
