// The WebSocket of a page: reconnects with exponential backoff, and repeats questions that the server has not accepted.
import { gettext } from "../lib/i18n.js";

const FIRST_MS = 400;
const LONGEST_MS = 8_000; // two attempts that fail while servers return leave time before half a minute is over
const SIGNED_OUT = 4401;
const TOO_MANY = 4429;
const TOO_LARGE = 1009;

const outbox = new Map(); // client_id -> message: sent again after a reconnect, which the server recognises
const replies = new Map(); // client_id -> resolve function of the request
let socket = null;
let attempts = 0;
let timer = 0;
let listeners = { received() {}, opened() {}, state() {} };

export const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

export function sendMessage(message) {
  if (socket?.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify(message));
  return true;
}

// Send a message and return the reply; null without a connection.
export function request(message) {
  const client_id = message.client_id ?? newId();
  if (!sendMessage({ ...message, client_id })) return Promise.resolve(null);
  return new Promise((resolve) => replies.set(client_id, resolve));
}

export function sendReliably(message) {
  outbox.set(message.client_id, message);
  sendMessage(message);
}

export function openSocket(handlers) {
  listeners = handlers;
  connect();
  addEventListener("online", reconnectNow);
  document.addEventListener("visibilitychange", () => document.hidden || reconnectNow());
}

function connect() {
  clearTimeout(timer);
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/chat/`);
  socket.addEventListener("open", () => {
    listeners.state("open");
    listeners.opened();
    for (const message of outbox.values()) sendMessage(message);
  });
  socket.addEventListener("message", ({ data }) => {
    attempts = 0; // a connection counts as good once it has carried a message
    const event = JSON.parse(data);
    const reply = replies.get(event.client_id);
    if (reply) {
      replies.delete(event.client_id);
      return reply(event);
    }
    if (event.type === "accepted" || event.type === "refused") outbox.delete(event.client_id);
    if (event.type === "hint" && event.turn) document.dispatchEvent(new CustomEvent("turn:elsewhere", { detail: event }));
    if (event.type === "notice") return document.dispatchEvent(new CustomEvent("notice:new"));
    listeners.received(event);
  });
  socket.addEventListener("close", ({ code }) => handleClose(code));
}

function handleClose(code) {
  for (const reply of replies.values()) reply(null);
  replies.clear();
  if (code === SIGNED_OUT) return listeners.state("signed out");
  if (code === TOO_LARGE) refuse(gettext("This question is too long. Shorten it, or add the long part to a collection as a file."));
  listeners.state(code === TOO_MANY ? "too many" : "lost");
  const wait = Math.min(LONGEST_MS, FIRST_MS * 2 ** attempts++);
  // Jitter, so that all pages do not come back in the same moment after a restart.
  timer = setTimeout(connect, wait * (0.5 + Math.random() / 2));
}

// A message that is too large would break the connection again and again.
function refuse(text) {
  for (const client_id of outbox.keys()) listeners.received({ type: "refused", client_id, text });
  outbox.clear();
}

function reconnectNow() {
  if (socket?.readyState === WebSocket.CLOSED) connect();
}
