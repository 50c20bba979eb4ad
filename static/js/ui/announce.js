// Reads an answer to a screen reader politely, a sentence at a time, and never twice.
import { gettext, ngettext, interpolate } from "../lib/i18n.js";

const region = document.querySelector("[data-announce]");
const KEPT = 12;
const ENDINGS = {
  stopped: gettext("stopped"),
  withheld: gettext("withheld"),
  failed: gettext("failed"),
  interrupted: gettext("interrupted"),
};

export function announce(words) {
  if (!words.trim()) return;
  const line = document.createElement("p");
  line.textContent = words;
  region.append(line);
  while (region.children.length > KEPT) region.firstElementChild.remove();
}

// What was read goes too, where it was taken back.
export function clearAnnouncements() {
  region.replaceChildren();
}

export class SentenceReader {
  next = 0;

  // Sentences before the last one on the page are finished; at the end all are. `parts` finds the elements of one.
  read(until, parts) {
    for (; this.next < until; this.next += 1) this.say(parts(this.next));
  }

  // Sentences that appear when they are verified, in the order in which they do.
  appear(cited, parts) {
    for (const { shown = [] } of cited) for (const sentence of shown) this.say(parts(sentence));
  }

  say(parts) {
    const spoken = [...parts].filter((part) => !part.classList.contains("pills"));
    announce(spoken.map((part) => part.textContent).join(""));
  }
}

export function announceEnd(article, status) {
  const numbers = (parts) => new Set([...article.querySelectorAll(parts)].map((part) => part.closest("[data-sentence]").dataset.sentence));
  const confirmed = numbers(".pills[data-sentence] > .pill:not(.compare)").size;
  const all = confirmed + numbers(".sentence.unverified").size;
  if (status !== "complete") return announce(interpolate(gettext("The answer ended early: %(status)s."), { status: ENDINGS[status] ?? status }));
  const unread = article.querySelector(".unread")?.textContent ?? ""; // which languages the check does not know
  // No text stands within a template: there the catalogue does not find it.
  const ended = all
    ? interpolate(ngettext("Answer complete. %(found)s of %(n)s sentence is quoted or supported.", "Answer complete. %(found)s of %(n)s sentences are quoted or supported.", all), { found: confirmed })
    : gettext("Done.");
  announce(`${ended} ${unread}`.trim());
}
