// Files are sent one request each, three at a time, with their own bar; what was sent is the tray's to show.
import { onDrop, getFolder } from "../ui/dropzone.js";
import { gettext, interpolate } from "../lib/i18n.js";

const AT_ONCE = 3;
const form = document.querySelector("[data-upload]");
const list = document.querySelector("[data-sending]");
const row = document.querySelector("[data-sending-row]").content.firstElementChild;
const limit = Number(form.dataset.maxBytes);
const waiting = [];
let running = 0;

// `folder` is where a file stood in the folder that was dropped or chosen; empty for a file by itself.
function add(files) {
  for (const { file, folder } of files) {
    const item = { file, folder, shown: row.cloneNode(true), request: new XMLHttpRequest(), over: false };
    item.shown.querySelector("[data-name]").textContent = folder ? `${folder}/${file.name}` : file.name;
    item.shown.querySelector("[data-abort]").addEventListener("click", () => end(item));
    list.append(item.shown);
    waiting.push(item);
  }
  list.hidden = !list.childElementCount;
  next();
}

function next() {
  while (running < AT_ONCE && waiting.length) {
    const item = waiting.shift();
    if (!item.over) send(item);
  }
}

function send(item) {
  running += 1;
  const { file, folder, request, shown } = item;
  const data = new FormData();
  data.append("csrfmiddlewaretoken", token());
  if (file.size > limit) {
    data.append("announced", file.name); // the server says why it is refused; nobody waits for 200 MB to hear that
    data.append("size", file.size);
  } else {
    data.append("files", file);
    data.append("paths", folder);
  }
  const bar = shown.querySelector("[data-bar]");
  showStatus(item, gettext("Uploading"));
  request.upload.addEventListener("progress", (event) => {
    if (!event.lengthComputable) return;
    bar.value = event.loaded / event.total;
    showStatus(item, event.loaded < event.total ? interpolate(gettext("Uploading, %(share)s%"), { share: Math.floor(bar.value * 100) }) : gettext("Saving"));
  });
  request.addEventListener("loadend", () => {
    running -= 1;
    if (!item.over) readResponse(item);
    next();
  });
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.send(data);
}

function readResponse(item) {
  const { status, responseText } = item.request;
  let isAnswer = false;
  try {
    isAnswer = Array.isArray(JSON.parse(responseText).refused);
  } catch {
    isAnswer = false; // a page instead of an answer: signed out, or something stands between
  }
  if (isAnswer && status === 507) fail(item, JSON.parse(responseText).refused[0]); // the tray could not keep the reason
  else if (isAnswer) end(item);
  else if (status === 0) fail(item, gettext("The connection was lost. Check it, then try again."));
  else if (status === 404) fail(item, gettext("You can no longer add files to this collection. Reload the page."), false);
  else if (status === 413) fail(item, gettext("A server between your browser and Openbook does not accept files of this size."), false);
  else if (status === 200 || status === 403) fail(item, gettext("You are signed out. Sign in again in another tab, then try again."));
  else fail(item, interpolate(gettext("The server did not accept the file (%(status)s). Try again in a moment."), { status }));
}

function end(item) {
  item.over = true;
  item.request.abort();
  item.shown.remove();
  list.hidden = !list.childElementCount;
  document.getElementById("tray").dispatchEvent(new Event("refresh"));
}

function fail(item, words, retry = true) {
  item.shown.classList.add("bad");
  item.shown.querySelector("[data-bar]").remove();
  item.over = true;
  showStatus(item, words);
  const button = item.shown.querySelector("[data-abort]");
  button.textContent = retry ? gettext("Try again") : gettext("Close");
  button.addEventListener("click", () => retry && add([item]), { once: true });
}

// Signing in again in another tab changes the token; the cookie has the one that counts.
const token = () => document.cookie.match(/(?:^|; )(?:__Host-)?csrf=([^;]+)/)?.[1] ?? form.elements.csrfmiddlewaretoken.value;

const showStatus = (item, words) => {
  item.shown.querySelector("[data-words]").textContent = words;
};

// --- choosing and dropping

for (const chooser of form.querySelectorAll("[type=file]")) {
  chooser.addEventListener("change", () => take(chooser));
}

form.querySelector("[data-choose-folder]").addEventListener("click", () => form.querySelector("[data-folder]").click());

function take(chooser) {
  add([...chooser.files].map((file) => ({ file, folder: getFolder(file.webkitRelativePath) })));
  chooser.value = "";
}

onDrop(document.querySelector("[data-drop-here]"), add);

const page = document.querySelector("[data-web-page]");
page?.addEventListener("htmx:afterRequest", (event) => event.target === page && event.detail.successful && page.reset());

addEventListener("beforeunload", (event) => {
  if (running || waiting.some((item) => !item.over)) event.preventDefault();
});

for (const part of document.querySelectorAll("[data-without-script]")) part.hidden = true;
for (const part of document.querySelectorAll("[data-with-script]")) part.hidden = false;
form.classList.add("scripted");

take(form.elements.files); // chosen before this script ran: nobody heard of it then
