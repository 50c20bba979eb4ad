// Turning to another version of a question or answer, going on elsewhere, and taking a conversation away.
import { isPlainClick } from "../lib/clicks.js";
import * as transcript from "./transcript.js";

const chat = document.querySelector("[data-chat]");
const getAddress = () => `/c/${chat.dataset.conversation}/`;
const busy = () => chat.classList.contains("busy");

// The page keeps its place and the focus its control: the versions change under the reader's finger.
async function showVersion(link) {
  const label = link.closest("[data-fork]").ariaLabel;
  const top = link.getBoundingClientRect().top;
  const at = new URL(link.href).searchParams.get("at");
  if (!(await transcript.reloadAll({ method: "POST", address: `${getAddress()}choose/`, at }))) return;
  history.replaceState(null, "", `${getAddress()}?at=${transcript.getLastId()}`);
  const article = document.querySelector(`[data-turn="${at}"], [data-question-id="${at}"]`);
  const nav = article?.querySelector(`[data-fork][aria-label="${label}"]`);
  const next = nav?.querySelector(`[data-turns-to="${link.dataset.turnsTo}"]`) ?? nav?.querySelector("[data-turns-to]");
  if (!next) return;
  next.focus({ preventScroll: true });
  scrollBy({ top: next.getBoundingClientRect().top - top, behavior: "instant" });
}

export const forkConversation = (turn) => htmx.ajax("POST", `${getAddress()}fork/`, { values: { at: turn.dataset.turn }, swap: "none" });

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-turns-to]");
  if (link && isPlainClick(event)) {
    event.preventDefault();
    if (!busy()) showVersion(link);
  }
  const exportLink = event.target.closest("[data-export]");
  if (!exportLink) return;
  exportLink.href = `${getAddress()}${exportLink.dataset.export}?at=${transcript.getLastId() ?? ""}`;
  exportLink.closest("details").open = false;
});
