// The turns on the page: adopted from what the server rendered, added when something is asked, fetched again when the log is gone.
import { clonePictures } from "./composer/attachments.js";
import { announceChange } from "../lib/changes.js";
import { headers } from "../net/headers.js";
import { fragment, morph } from "../lib/morph.js";
import { keepScroll, isAtEnd, scrollToQuestion } from "../ui/scroll.js";
import { Turn } from "./turn.js";

const list = () => document.querySelector("[data-transcript]");
const turns = new Map();

let missing = false; // a turn of another tab, over before this one could follow it

document.addEventListener("turn:elsewhere", ({ detail }) => {
  const isShown = document.querySelector("[data-chat]").dataset.conversation === detail.conversation;
  missing ||= isShown && !document.getElementById(`turn-${detail.turn}`);
});
export const lacksTurn = () => missing;
export const getRunning = () => [...turns.values()].find((turn) => turn.running);
export const getTurn = (id) => turns.get(id);
export const getLastId = () => [...list().querySelectorAll("[data-turn]")].at(-1)?.dataset.turn || null;

export function followRunning() {
  for (const article of list().querySelectorAll('[data-turn][data-status="writing"]')) {
    if (article.dataset.turn && !turns.has(article.dataset.turn)) followTurn(article);
  }
}

export function followTurn(article) {
  const turn = new Turn(article, keepScroll);
  turns.set(turn.id, turn);
  return turn;
}

// A question is on the page the moment it is sent; it becomes a turn when the server has taken it.
// Asked again, it takes the place of the former answer and of what followed from that one, or stands beside that answer
// if the two are `paired`; `former` is put back on refusal.
export function addPending(words, former, { written = null, paired = false } = {}) {
  const article = document.querySelector("[data-new-turn]").content.cloneNode(true).firstElementChild;
  const question = document.createElement("p");
  question.textContent = words;
  article.querySelector("[data-question]").append(question);
  article.querySelector("[data-question]").dataset.text = words;
  const pictures = former[0]?.querySelector('[data-part="attached"]').cloneNode(true).childNodes ?? clonePictures(words);
  article.querySelector('[data-part="attached"]').append(...pictures);
  if (written) article.querySelector('[data-part="text"]').replaceChildren(...written.cloneNode(true).childNodes);
  for (const part of document.querySelectorAll("[data-welcome]")) part.remove();
  document.querySelector("[data-chat]").classList.remove("fresh");
  former[0]?.before(article);
  for (const other of former) other.remove();
  if (paired) pair(former[0], article);
  if (!former.length) list().append(article);
  if (!written) scrollToQuestion(article); // an answer that is continued stays where it is read
  return article;
}

function pair(one, other) {
  const container = document.createElement("div");
  container.className = "pair";
  other.before(container);
  container.append(one, other);
}

export function getTurnsFrom(article) {
  return article ? [article, ...getTurnsFrom(article.nextElementSibling)] : [];
}

export function removePending(article, former) {
  (article.closest(".pair") ?? article).replaceWith(...former);
}

export function acceptPending(article, id, question) {
  article.dataset.turn = id;
  article.dataset.questionId = question;
  article.id = `turn-${id}`;
  return followTurn(article);
}

// The server no longer has it: what is there stays, and nothing more comes.
export function markLost(id) {
  getTurn(id)?.article.setAttribute("data-status", "interrupted");
  turns.delete(id);
}

// Nothing more of it is shown, and nothing is waited for.
export function stopFollowing(id) {
  getTurn(id)?.leave();
  turns.delete(id);
}

// What only the server knows of a turn that has ended, such as its siblings.
export async function refreshTurn(article) {
  const answer = await fetch(`/answers/${article.dataset.turn}/`, { headers });
  if (!answer.ok) return;
  const fresh = fragment(await answer.text()).firstElementChild;
  morph(article, fresh);
  announceChange();
}

export async function reloadTurn(id) {
  turns.delete(id);
  await htmx.ajax("GET", `/answers/${id}/`, { target: `#turn-${id}`, swap: "outerHTML" });
}

// Along the path that this page shows, whatever another tab has turned to meanwhile; one after the other. What is asked
// here from now on, or opened to be edited, stays: then what comes is not shown, as where nothing comes, and the reply is false.
let lastReload = Promise.resolve();
export function reloadAll({ method = "GET", address = location.pathname, at = getLastId() } = {}) {
  const edits = () => list().querySelectorAll(".edit").length;
  const [until, edited] = [getLastId(), edits()];
  const isUnchanged = () => getLastId() === until && edits() <= edited;
  return (lastReload = lastReload.then(() => isUnchanged() && fetchAll(fetchTranscript(method, address, at), isUnchanged)));
}

async function fetchAll(response, isUnchanged) {
  const wasMissing = missing;
  missing = false;
  const fresh = await response;
  if (!fresh || !isUnchanged()) {
    missing ||= wasMissing;
    return false;
  }
  turns.clear();
  const [until, watched] = [getLastId(), isAtEnd()];
  list().replaceWith(fresh);
  htmx.process(fresh);
  followRunning();
  const next = list().querySelector("[data-turn]:last-child");
  if (watched && next && until && next.dataset.turn !== until && next.dataset.status === "writing") scrollToQuestion(next); // of the queue
  announceChange();
  return true;
}

async function fetchTranscript(method, address, at) {
  const values = new URLSearchParams(at ? { at } : {});
  const wish = method === "GET" ? [`${address}?${values}`, { headers }] : [address, { method, headers, body: values }];
  try {
    const answer = await fetch(...wish);
    return answer.ok && fragment(await answer.text()).querySelector("[data-transcript]");
  } catch {
    return null; // the line is down; it is asked for again with the next that is heard
  }
}
