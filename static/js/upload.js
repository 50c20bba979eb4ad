// Files are sent one request each, three at a time, with their own bar; what was sent is the tray's to show.
const AT_ONCE = 3;
const form = document.querySelector("[data-upload]");
const list = document.querySelector("[data-sending]");
const row = document.querySelector("[data-sending-row]").content.firstElementChild;
const veil = document.querySelector("[data-drop-here]");
const limit = Number(form.dataset.maxBytes);
const waiting = [];
let running = 0;

function add(files) {
  for (const file of files) {
    const item = { file, shown: row.cloneNode(true), request: new XMLHttpRequest(), over: false };
    item.shown.querySelector("[data-name]").textContent = file.name;
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
  const { file, request, shown } = item;
  const data = new FormData();
  data.append("csrfmiddlewaretoken", token());
  if (file.size > limit) {
    data.append("announced", file.name); // the server says why it is refused; nobody waits for 200 MB to hear that
    data.append("size", file.size);
  } else {
    data.append("files", file);
  }
  const bar = shown.querySelector("[data-bar]");
  say(item, "Sending");
  request.upload.addEventListener("progress", (event) => {
    if (!event.lengthComputable) return;
    bar.value = event.loaded / event.total;
    say(item, event.loaded < event.total ? `Sending, ${Math.floor(bar.value * 100)} %` : "Storing");
  });
  request.addEventListener("loadend", () => {
    running -= 1;
    if (!item.over) received(item);
    next();
  });
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.send(data);
}

function received(item) {
  const { status, responseText } = item.request;
  let known = false;
  try {
    known = Array.isArray(JSON.parse(responseText).refused);
  } catch {
    known = false; // a page instead of an answer: signed out, or something stands between
  }
  if (known) end(item);
  else if (status === 0) fail(item, "The connection broke. Check it, then try again.");
  else if (status === 404) fail(item, "This collection is no longer yours to add to. Reload the page.", false);
  else if (status === 413) fail(item, "A server in between does not let files of this size through.", false);
  else if (status === 200 || status === 403) fail(item, "You are signed out. Sign in again in another tab, then try again.");
  else fail(item, `The server could not take it (${status}). Try again in a moment.`);
}

function end(item) {
  item.over = true;
  item.request.abort();
  item.shown.remove();
  list.hidden = !list.childElementCount;
  document.getElementById("tray").dispatchEvent(new Event("refresh"));
}

function fail(item, words, again = true) {
  item.shown.classList.add("bad");
  item.shown.querySelector("[data-bar]").remove();
  item.over = true;
  say(item, words);
  const button = item.shown.querySelector("[data-abort]");
  button.textContent = again ? "Try again" : "Close";
  button.addEventListener("click", () => again && add([item.file]), { once: true });
}

// Signing in again in another tab changes the token; the cookie has the one that counts.
const token = () => document.cookie.match(/(?:^|; )(?:__Host-)?csrf=([^;]+)/)?.[1] ?? form.elements.csrfmiddlewaretoken.value;

const say = (item, words) => {
  item.shown.querySelector("[data-words]").textContent = words;
};

// --- choosing and dropping

form.elements.files.addEventListener("change", (event) => {
  add([...event.target.files]);
  event.target.value = "";
});

async function* filesIn(entry) {
  if (entry.isFile) yield await new Promise((found, gone) => entry.file(found, gone));
  if (!entry.isDirectory) return;
  const reader = entry.createReader();
  for (let batch; (batch = await new Promise((found, gone) => reader.readEntries(found, gone))).length; ) {
    for (const inner of batch) if (!inner.name.startsWith(".")) yield* filesIn(inner);
  }
}

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

document.addEventListener("dragover", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  veil.hidden = false;
});

document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) veil.hidden = true;
});

document.addEventListener("drop", async (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  veil.hidden = true;
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) add([...event.dataTransfer.files]);
  for (const entry of entries) for await (const file of filesIn(entry)) add([file]);
});

addEventListener("beforeunload", (event) => {
  if (running || waiting.some((item) => !item.over)) event.preventDefault();
});

for (const part of document.querySelectorAll("[data-without-script]")) part.hidden = true;
for (const part of document.querySelectorAll("[data-with-script]")) part.hidden = false;
form.classList.add("scripted");

// Chosen before this script ran: nobody heard of it then.
if (form.elements.files.files.length) {
  add([...form.elements.files.files]);
  form.elements.files.value = "";
}
