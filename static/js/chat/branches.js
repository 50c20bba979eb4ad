// Turning to another version of a question or answer, going on elsewhere, and taking a conversation away.
import * as transcript from "./transcript.js";

const chat = document.querySelector("[data-chat]");
const place = () => `/c/${chat.dataset.conversation}/`;
const busy = () => chat.classList.contains("busy");

// The page keeps its place and the focus its control: the versions change under the reader's finger.
async function turn(link) {
  const among = link.closest("[data-fork]").ariaLabel;
  const top = link.getBoundingClientRect().top;
  const at = new URL(link.href).searchParams.get("at");
  if (!(await transcript.refetchAll({ method: "POST", address: `${place()}choose/`, at }))) return;
  history.replaceState(null, "", `${place()}?at=${transcript.last()}`);
  const article = document.querySelector(`[data-turn="${at}"], [data-question-id="${at}"]`);
  const nav = article?.querySelector(`[data-fork][aria-label="${among}"]`);
  const next = nav?.querySelector(`[data-turns-to="${link.dataset.turnsTo}"]`) ?? nav?.querySelector("[data-turns-to]");
  if (!next) return;
  next.focus({ preventScroll: true });
  scrollBy({ top: next.getBoundingClientRect().top - top, behavior: "instant" });
}

export const fork = (turn) => htmx.ajax("POST", `${place()}fork/`, { values: { at: turn.dataset.turn }, swap: "none" });

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-turns-to]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.button) {
    event.preventDefault();
    if (!busy()) turn(link);
  }
  const taken = event.target.closest("[data-takes]");
  if (!taken) return;
  taken.href = `${place()}${taken.dataset.takes}?at=${transcript.last() ?? ""}`;
  taken.closest("details").open = false;
});
