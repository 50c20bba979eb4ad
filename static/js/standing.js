// Pages that show answers and do nothing else with them: what a reviewer takes back while they are open leaves them at once.
import { start } from "./socket.js";
import { together } from "./together.js";

const place = () => document.querySelector("[data-standing]");
let before = false; // there was a line: what was said while it was lost was not heard

// Of a page that is no longer there the conversation is opened instead.
const fresh = together(async () => {
  const answer = await fetch(location.href).catch(() => null);
  if (!answer) return;
  const wanted = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!wanted) return location.replace(`/c/${place().dataset.standing}/`);
  document.title = wanted.title;
  place().replaceWith(wanted.querySelector("[data-standing]"));
  document.dispatchEvent(new CustomEvent("htmx:afterSwap")); // code blocks are dressed
});

start({
  state() {},
  opened() {
    if (before) fresh();
    before = true;
  },
  received({ type, conversation }) {
    const here = place().dataset.standing;
    if (type === "picture") return fresh();
    if (!["retracted", "released"].includes(type) || conversation !== here) return;
    if (type === "retracted") place().replaceChildren();
    fresh();
  },
});
