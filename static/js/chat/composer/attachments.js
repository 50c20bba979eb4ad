// Pictures that a question is asked about: attached by button, paste or drop, shown above the field, and sent with it.
// Other files go to the chat itself (files.js).
import { attach } from "./files.js";
import { say } from "../../ui/announce.js";
import { keep, recall } from "../drafts.js";
import { dropped } from "../../ui/dropzone.js";
import { headers } from "../../net/headers.js";
import { fragment } from "../../lib/morph.js";
import { gettext, put } from "../../lib/i18n.js";

const MOST = 4;
const SHARED_MS = 3_600_000; // for which a shared file waits until the user has signed in
const form = document.querySelector("[data-composer]");
const field = form.querySelector("textarea");
const chips = form.querySelector("[data-attached-chips]");
const input = form.querySelector("[data-attach-file]");
const refusal = form.querySelector("[data-refusal]");
const temporary = "temporary" in document.querySelector("[data-chat]").dataset;
const conversation = () => document.querySelector("[data-chat]").dataset.conversation;
const id = (chip) => chip.dataset.attached;
const ready = () => [...chips.querySelectorAll("[data-attached]:not([data-held])")];
const sent = new Map(); // text -> chips of a question that is under way: they come back where it is refused
let once = null; // ids that belong to a question which is asked anew
let leaving = false; // what is in the field is being sent
let arriving = 0; // pictures on their way to the server
let due = false; // the question is sent once they are there

// What goes with a text; where it is being sent, the pictures leave the field with it.
export function attached(text) {
  if (once) return once;
  const here = ready();
  if (leaving) {
    sent.set(text, here);
    for (const chip of here) chip.remove();
    remember();
    keep("attaching", conversation(), here.map(id).join(" "));
  }
  return here.map(id);
}

// The same pictures, as they stand below the question before the server has shown them.
export const shown = (text) => (sent.get(text) ?? []).map((chip) => chip.querySelector("img").cloneNode());

function remember() {
  keep("attached", conversation(), ready().map(id).join(" "));
  chips.hidden = !chips.childElementCount;
}

function refuse(words) {
  refusal.textContent = words;
  refusal.hidden = false;
}

async function send(file) {
  if (chips.childElementCount >= MOST) return refuse(put(gettext("You can attach up to %(most)s pictures to a question."), { most: MOST }));
  const waiting = Object.assign(document.createElement("span"), { className: "attached-chip small muted", textContent: gettext("Uploading the picture") });
  chips.append(waiting);
  chips.hidden = false;
  arriving += 1;
  const body = new FormData();
  body.append("picture", file, file.name || "picture.png");
  const answer = await fetch("/attached/", { method: "POST", body, headers }).catch(() => null);
  const said = answer && (await answer.text());
  if (answer?.ok && !answer.redirected) {
    waiting.replaceWith(fragment(said));
    say(put(gettext("%(name)s is attached."), { name: file.name || gettext("The picture") }));
  } else {
    waiting.remove();
    due = false; // nothing is asked without what it is about
    const known = answer && [400, 429].includes(answer.status);
    refuse(known ? said : gettext("The picture could not be uploaded. Check your connection and attach it again."));
  }
  arriving -= 1;
  remember();
  if (due && !arriving) form.requestSubmit();
}

function take(files) {
  refusal.hidden = true;
  if (temporary) return refuse(gettext("Attached files are saved, so temporary chats cannot have any. Start a new chat."));
  for (const file of files) {
    if (file.type.startsWith("image/")) send(file);
    else attach(file, refuse);
  }
}

// Files that another app shared with the installed one: the service worker keeps them until they are taken here.
async function takeShared() {
  const cache = await caches.open("shared-1");
  const files = [];
  for (const request of await cache.keys()) {
    const kept = await cache.match(request);
    if (Date.now() - Number(kept.headers.get("X-Since")) > SHARED_MS) continue;
    const content = await kept.blob();
    files.push(new File([content], decodeURIComponent(kept.headers.get("X-Name")), { type: content.type }));
  }
  await caches.delete("shared-1");
  take(files);
}

// Chips as they were before a reload, a refusal, or the line of waiting questions.
export async function restore(ids) {
  const missing = ids.filter((one) => !ready().some((chip) => id(chip) === one));
  if (!missing.length) return;
  const answer = await fetch(`/attached/?${missing.map((one) => `id=${one}`).join("&")}`, { headers }).catch(() => null);
  if (answer?.ok) chips.append(fragment(await answer.text()));
  remember();
}

form.addEventListener("submit", (event) => {
  due = arriving > 0;
  if (due) return event.stopImmediatePropagation() ?? event.preventDefault();
  leaving = true;
  setTimeout(() => (leaving = false));
});

document.addEventListener("composer:refused", ({ detail }) => {
  const back = (sent.get(detail) ?? []).filter((chip) => !ready().some((other) => id(other) === id(chip)));
  sent.delete(detail);
  chips.prepend(...back);
  remember();
});

// Asked anew with other words, it is about the same pictures.
document.addEventListener("question:rerun", ({ target }) => {
  once = [...target.querySelectorAll("[data-part=attached] [data-attached]")].map(id);
  setTimeout(() => (once = null));
}, { capture: true });

chips.addEventListener("click", ({ target }) => {
  const chip = target.closest("[data-attached]");
  if (!chip || !target.closest('[data-attached-do="remove"]')) return;
  fetch(`/attached/${id(chip)}/remove/`, { method: "POST", headers }).catch(() => {}); // else it goes by itself after a while
  chip.remove();
  remember();
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
dropped(document.querySelector("[data-attach-here]"), (found) => take(found.map(({ file }) => file)));

if ("sharedFiles" in document.querySelector("[data-chat]").dataset) takeShared();
const left = ["attaching", "attached"].map((kind) => recall(kind, conversation())).join(" ");
keep("attaching", conversation(), "");
restore(left.split(" ").filter(Boolean));
