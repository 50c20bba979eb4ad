// Pages that show what a reviewer may withhold while they are open: what is withheld leaves at once, and the page is
// fetched again, also after its line was lost.
import { announceChange } from "../lib/changes.js";
import { openSocket } from "./socket.js";
import { coalesce } from "../lib/coalesce.js";

// `replace(page)` puts in the parts of the page as it is now, null where the server does not show it; `received` is told
// what the server says and may return true to have the page fetched; `opened` runs whenever there is a line.
export function watchPage({ replace, received, opened = () => {} }) {
  let opens = 0;
  const fetchAgain = coalesce(async () => {
    const answer = await fetch(location.href).catch(() => null);
    if (!answer) return;
    replace(answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null);
    announceChange();
  });
  openSocket({
    state() {},
    opened() {
      opened();
      if (opens++) fetchAgain(); // what was said while the line was lost was not heard
    },
    received(message) {
      if (received(message)) fetchAgain();
    },
  });
}

// A picture that is withheld leaves every place of the page.
export function removePicture(picture) {
  for (const image of document.querySelectorAll(`img[src*="${CSS.escape(picture)}"]`)) (image.closest("a") ?? image).remove();
}
