// Reads an answer to a screen reader politely, a sentence at a time, and never twice.
import { gettext, put } from "./words.js";

const region = document.querySelector("[data-announce]");
const KEPT = 12;
const ENDINGS = {
  stopped: gettext("stopped"),
  withheld: gettext("withheld"),
  failed: gettext("failed"),
  interrupted: gettext("interrupted"),
};

export function say(words) {
  if (!words.trim()) return;
  const line = document.createElement("p");
  line.textContent = words;
  region.append(line);
  while (region.children.length > KEPT) region.firstElementChild.remove();
}

// What was read goes too, where it was taken back.
export function forget() {
  region.replaceChildren();
}

export class Reader {
  next = 0;

  // Sentences before the last one on the page are finished; at the end all are. `parts` finds the elements of one.
  read(until, parts) {
    for (; this.next < until; this.next += 1) {
      const spoken = [...parts(this.next)].filter((part) => !part.classList.contains("pills"));
      say(spoken.map((part) => part.textContent).join(""));
    }
  }
}

export function ending(article, status) {
  const sentences = new Set([...article.querySelectorAll("[data-sentence]:not(.pills)")].map((part) => part.dataset.sentence));
  const bare = new Set([...article.querySelectorAll(".unsupported[data-sentence]")].map((part) => part.dataset.sentence));
  if (status !== "complete") return say(put(gettext("The answer ended early: %(status)s."), { status: ENDINGS[status] ?? status }));
  if (!sentences.size) return say(gettext("Done."));
  say(put(gettext("Answer complete. A source was found for %(found)s of %(all)s sentences."), { found: sentences.size - bare.size, all: sentences.size }));
}
