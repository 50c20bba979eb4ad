// The pages of pictures: one that is withheld while they are open leaves them at once.
import { take } from "./held.js";
import { start } from "./socket.js";
import { together } from "./together.js";

let before = false; // there was a line: what was said while it was lost was not heard

const fresh = together(async () => {
  const answer = await fetch(location.href).catch(() => null);
  const wanted = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of ["#tiles", ".shown"]) {
    const [here, there] = [document.querySelector(part), wanted && wanted.querySelector(part)];
    if (!here || !there) continue;
    here.replaceWith(there);
    htmx.process(there);
  }
});

start({
  state() {},
  opened() {
    if (before) fresh();
    before = true;
  },
  received({ type, picture, held }) {
    if (type !== "picture") return;
    if (held) take(picture);
    fresh();
  },
});
