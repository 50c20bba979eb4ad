// The HTML of an answer, built from its events block by block. An event keeps the start of a block and replaces the rest.
// Only new HTML is parsed and placed, however long the answer is.
import { Checkpoints } from "./checkpoints.js";
import { fragment, graft, morph } from "../lib/morph.js";
import { gettext } from "../lib/i18n.js";

const TITLES = {
  unverified: gettext("Not verified: no passage was found that says this"),
  contradicted: gettext("Contradicted: a passage says otherwise"),
};
const PAIR = /[\ud800-\udfff]/;

// The server counts characters, JavaScript counts halves of them.
export const takeCharacters = (text, count) => (PAIR.test(text) ? Array.from(text).slice(0, count).join("") : text.slice(0, count));

class Block {
  html = "";
  checkpoints = new Checkpoints();
  from = this.checkpoints.list[0]; // the HTML before it is on the page
  nodes = []; // on the page
  pairs = false;

  write(keep, html) {
    const kept = this.pairs ? takeCharacters(this.html, keep) : this.html.slice(0, keep);
    const checkpoint = this.checkpoints.rewind(kept.length);
    if (checkpoint.at < this.from.at) this.from = checkpoint;
    this.pairs ||= PAIR.test(html);
    this.html = kept + html;
    this.checkpoints.read(this.html);
  }

  // The part that is not on the page yet, within the tags that are open there.
  rest() {
    return fragment(this.from.open.join("") + this.html.slice(this.from.at));
  }

  placed(nodes) {
    this.nodes = nodes;
    this.from = this.checkpoints.list.at(-1);
  }
}

export class Blocks {
  list = [];
  changed = new Set(); // numbers of blocks
  cited = new Map();
  news = []; // citations that are not on the page
  shown = new Set(); // sentences, where only verified ones are
  of = new Map(); // sentence -> number of its block
  last = -1; // sentence

  write({ block, keep, html }) {
    while (this.list.length <= block) this.list.push(new Block());
    this.list[block].write(keep, html);
    this.changed.add(block);
  }

  cite(event) {
    this.cited.set(event.sentence, event);
    this.news.push(event);
    for (const sentence of event.revealed) this.shown.add(sentence);
  }

  // The elements of a sentence, the place of its pills among them.
  parts(sentence) {
    const nodes = this.list[this.of.get(sentence)]?.nodes ?? [];
    return nodes.flatMap((node) => [...(node.querySelectorAll?.(`[data-sentence="${sentence}"]`) ?? [])]);
  }

  // The element shows the answer as it now is.
  show(text) {
    if (!this.list.some(({ nodes }) => nodes[0]?.parentNode === text)) this.#whole(text);
    for (const number of [...this.changed].sort((one, other) => one - other)) this.#place(text, number);
    for (const event of this.news) {
      for (const part of this.parts(event.sentence)) applyCitation(part, event);
      for (const sentence of event.revealed) this.parts(sentence).forEach(reveal);
    }
    this.changed.clear();
    this.news = [];
  }

  // At first the element may show a part that the server had stored.
  #whole(text) {
    const all = document.createDocumentFragment();
    const counts = this.list.map((block, number) => {
      const content = fragment(block.html);
      this.#applyCitation(content, number);
      const { length } = content.childNodes;
      all.append(content);
      return length;
    });
    morph(text, all);
    let node = text.firstChild;
    for (const [number, block] of this.list.entries()) {
      const nodes = [];
      for (; nodes.length < counts[number]; node = node.nextSibling) nodes.push(node);
      block.placed(nodes);
    }
    this.changed.clear();
  }

  #place(text, number) {
    const block = this.list[number];
    const next = this.list.slice(number + 1).find(({ nodes }) => nodes.length);
    const end = next?.nodes[0] ?? null;
    const rest = block.rest();
    this.#applyCitation(rest, number);
    const previous = block.nodes.length ? block.nodes[0].previousSibling : end ? end.previousSibling : text.lastChild;
    graft(text, rest, block.from.counts, block.nodes, end);
    const nodes = [];
    for (let node = previous ? previous.nextSibling : text.firstChild; node !== end; node = node.nextSibling) nodes.push(node);
    block.placed(nodes);
  }

  #applyCitation(content, number) {
    for (const part of content.querySelectorAll("[data-sentence]")) {
      const sentence = Number(part.dataset.sentence);
      this.of.set(sentence, number);
      if (number >= (this.of.get(this.last) ?? 0)) this.last = sentence;
      if (this.cited.has(sentence)) applyCitation(part, this.cited.get(sentence));
      if (this.shown.has(sentence)) reveal(part);
    }
  }
}

function applyCitation(part, { state, html }) {
  if (part.classList.contains("pills")) part.replaceChildren(fragment(html));
  else {
    // A judge may change the state later.
    part.classList.toggle("unverified", state in TITLES);
    part.classList.toggle("contradicted", state === "contradicted");
    if (state in TITLES) part.title = TITLES[state];
    else part.removeAttribute("title");
  }
}

function reveal(part) {
  if (!part.classList.contains("pills")) part.classList.add("revealed");
}
