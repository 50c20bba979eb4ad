// The page of a link: what is withheld while it is open leaves it at once.
import { take } from "./held.js";
import { start, tell } from "./socket.js";
import { together } from "./together.js";

const place = () => document.querySelector("[data-shared]");
let before = false; // there was a line: what was said while it was lost was not heard

const fresh = together(async () => {
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of ["[data-shared]", ".chat-title", "title"]) document.querySelector(part).replaceWith(page.querySelector(part));
  document.dispatchEvent(new CustomEvent("htmx:afterSwap")); // code blocks are dressed
});

start({
  state() {},
  opened() {
    tell({ do: "watch", secret: place().dataset.shared });
    if (before) fresh();
    before = true;
  },
  received({ type, turn, picture, held }) {
    if (type === "picture") {
      if (held) take(picture);
      return fresh();
    }
    const here = turn && document.querySelector(`[data-shown="${CSS.escape(turn)}"]`);
    if (!here || !["retracted", "released"].includes(type)) return;
    if (type === "retracted") here.replaceChildren();
    fresh();
  },
});
