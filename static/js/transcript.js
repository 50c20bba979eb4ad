// The turns on the page: adopted from what the server rendered, added when something is asked, fetched again when the log is gone.
import { around, toBottom } from "./scroll.js";
import { Turn } from "./turn.js";

const list = () => document.querySelector("[data-transcript]");
const turns = new Map();

export const running = () => [...turns.values()].find((turn) => turn.running);
export const get = (id) => turns.get(id);

export function adopt() {
  for (const article of list().querySelectorAll('[data-turn][data-status="writing"]')) {
    if (article.dataset.turn && !turns.has(article.dataset.turn)) follow(article);
  }
}

export function follow(article) {
  const turn = new Turn(article, around);
  turns.set(turn.id, turn);
  return turn;
}

// A question is on the page the moment it is sent; it becomes a turn when the server has taken it.
// Asked again, it takes the place of the former answer and of what followed from that one; `former` is put back on refusal.
export function pending(words, former) {
  const article = document.querySelector("[data-new-turn]").content.cloneNode(true).firstElementChild;
  const question = document.createElement("p");
  question.textContent = words;
  article.querySelector("[data-question]").append(question);
  document.querySelector("[data-welcome]")?.remove();
  document.querySelector("[data-chat]").classList.remove("fresh");
  former[0]?.before(article);
  for (const other of former) other.remove();
  if (!former.length) list().append(article);
  toBottom();
  return article;
}

export function from(article) {
  return article ? [article, ...from(article.nextElementSibling)] : [];
}

export function refuse(article, former) {
  article.replaceWith(...former);
}

export function accept(article, id) {
  article.dataset.turn = id;
  article.id = `turn-${id}`;
  return follow(article);
}

export async function refetch(id) {
  turns.delete(id);
  const target = `#turn-${id}`;
  await htmx.ajax("GET", location.pathname + location.search, { target, select: target, swap: "outerHTML" });
}

export async function refetchAll() {
  turns.clear();
  await htmx.ajax("GET", location.pathname + location.search, { target: "[data-transcript]", select: "[data-transcript]", swap: "outerHTML" });
  adopt();
}
