// The HTML of an answer as its events describe it: block by block, each kept to a point and written on from there.
import { fragment } from "./morph.js";
import { gettext } from "./words.js";

const PAIR = /[\ud800-\udfff]/;

// The server counts characters, JavaScript counts halves of them.
export const head = (text, count) => (PAIR.test(text) ? Array.from(text).slice(0, count).join("") : text.slice(0, count));

export class Blocks {
  html = [];
  cited = new Map();

  write({ block, keep, html }) {
    while (this.html.length <= block) this.html.push("");
    this.html[block] = head(this.html[block], keep) + html;
  }

  cite(event) {
    this.cited.set(String(event.sentence), event);
  }

  fragment() {
    const content = fragment(this.html.join(""));
    for (const [sentence, { supported, html }] of this.cited) {
      for (const part of content.querySelectorAll(`[data-sentence="${sentence}"]`)) {
        if (part.classList.contains("pills")) part.replaceChildren(fragment(html));
        else if (!supported) {
          part.classList.add("unsupported");
          part.title = gettext("No source found for this sentence");
        }
      }
    }
    return content;
  }
}
