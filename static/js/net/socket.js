// One socket a page. What is asked is kept until the server has taken it, and a lost line is taken up again with patience.
import { gettext } from "../lib/i18n.js";

const FIRST_MS = 400;
const LONGEST_MS = 15_000;
const SIGNED_OUT = 4401;
const TOO_MANY = 4429;
const TOO_LARGE = 1009;

const outbox = new Map(); // client_id -> message: sent again after a reconnect, which the server recognises
const waiting = new Map(); // client_id -> whoever waits for the reply
let socket = null;
let attempts = 0;
let timer = 0;
let page = { received() {}, opened() {}, state() {} };

export const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

export function tell(message) {
  if (socket?.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify(message));
  return true;
}

// One message and what the server says to it; null where the line is down.
export function request(message) {
  const client_id = message.client_id ?? newId();
  if (!tell({ ...message, client_id })) return Promise.resolve(null);
  return new Promise((resolve) => waiting.set(client_id, resolve));
}

export function ask(message) {
  outbox.set(message.client_id, message);
  tell(message);
}

export function start(listeners) {
  page = listeners;
  connect();
  addEventListener("online", hurry);
  document.addEventListener("visibilitychange", () => document.hidden || hurry());
}

function connect() {
  clearTimeout(timer);
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/chat/`);
  socket.addEventListener("open", () => {
    page.state("open");
    page.opened();
    for (const message of outbox.values()) tell(message);
  });
  socket.addEventListener("message", ({ data }) => {
    attempts = 0; // a line counts as good once it has carried something
    const event = JSON.parse(data);
    const reply = waiting.get(event.client_id);
    if (reply) {
      waiting.delete(event.client_id);
      return reply(event);
    }
    if (event.type === "accepted" || event.type === "refused") outbox.delete(event.client_id);
    if (event.type === "hint" && event.turn) document.dispatchEvent(new CustomEvent("turn:elsewhere", { detail: event }));
    if (event.type === "notice") return document.dispatchEvent(new CustomEvent("notice:new"));
    page.received(event);
  });
  socket.addEventListener("close", ({ code }) => lost(code));
}

function lost(code) {
  for (const reply of waiting.values()) reply(null);
  waiting.clear();
  if (code === SIGNED_OUT) return page.state("signed out");
  if (code === TOO_LARGE) refuse(gettext("This question is too long. Shorten it, or add the long part to a collection as a file."));
  page.state(code === TOO_MANY ? "too many" : "lost");
  const wait = Math.min(LONGEST_MS, FIRST_MS * 2 ** attempts++);
  // Jitter, so that all pages do not come back in the same moment after a restart.
  timer = setTimeout(connect, wait * (0.5 + Math.random() / 2));
}

// What the line does not carry would break it again and again.
function refuse(text) {
  for (const client_id of outbox.keys()) page.received({ type: "refused", client_id, text });
  outbox.clear();
}

function hurry() {
  if (socket?.readyState === WebSocket.CLOSED) connect();
}
