// One question and its answer on the page: takes the events of its turn and shows them, once a frame.
import { ending, Reader, say } from "../ui/announce.js";
import { Blocks, head } from "./blocks.js";
import { fold, folds, over, textOf } from "./folding.js";
import { fragment, morph } from "../lib/morph.js";
import { dropStep, step } from "./steps.js";
import { card } from "./tools.js";
import { gettext, put } from "../lib/i18n.js";

const SHOWN = new Set(["opened", "step", "sources", "nothing", "quotes", "tool", "reasoning", "window", "waiting", "pictures", "closed"]); // text, cited and folds are gathered first

export class Turn {
  constructor(article, changed) {
    this.article = article;
    this.changed = changed; // called around each change, so that the page stays where it is read
    this.seen = Number(article.dataset.after);
    this.blocks = new Blocks();
    this.reader = new Reader();
    this.arrived = [];
    this.reasoningEnd = null; // characters on the page, as the server counts them
  }

  get id() {
    return this.article.dataset.turn;
  }

  get running() {
    return this.article.dataset.status === "writing";
  }

  part(name) {
    return this.article.querySelector(`[data-part="${name}"]`);
  }

  take(event) {
    if (event.seq <= this.seen) return; // already here: two replays may overlap
    this.seen = event.seq;
    this.arrived.push(event);
    if (this.arrived.length > 1) return;
    // A hidden page gets no frames but goes on all the same.
    if (document.hidden) setTimeout(() => this.show(), 200);
    else requestAnimationFrame(() => this.show());
  }

  // Nothing that was or will be heard of it is shown any more.
  leave() {
    this.seen = Infinity;
    this.arrived = [];
  }

  show() {
    const events = this.arrived;
    this.arrived = [];
    if (!events.length) return;
    this.changed(() => {
      const written = events.filter((event) => event.type === "text" || event.type === "cited");
      for (const event of written) event.type === "text" ? this.blocks.write(event) : this.blocks.cite(event);
      events.filter(({ type }) => type === "folds").forEach(({ text }) => fold(this.article, text));
      if (written.length) this.blocks.show(textOf(this.article));
      const parts = (sentence) => this.blocks.parts(sentence);
      const folding = folds(this.article);
      if (folding) this.reader.appear(written, parts);
      for (const event of events) if (SHOWN.has(event.type)) this[event.type](event);
      this.article.querySelector("[data-waiting]").hidden = events.at(-1).type !== "waiting";
      if (written.length && this.running && !folding) this.reader.read(this.blocks.last, parts);
    });
  }

  opened({ question_html, grounded }) {
    morph(this.article.querySelector("[data-question]"), fragment(question_html));
    this.article.querySelector("[data-ungrounded]").hidden = grounded;
  }

  step(event) {
    if (event.name === "see") return this.part("seen").replaceChildren(event.text);
    step(this.article.querySelector("[data-steps]"), event);
    if (event.name === "small_talk") this.article.querySelector("[data-ungrounded]").hidden = true;
    if (event.name === "wait") this.article.querySelector('[data-do="answer_now"]').hidden = event.ms !== null;
    if (event.name === "search" && event.ms !== null) say(event.text);
  }

  sources({ html }) {
    morph(this.part("sources"), fragment(html));
  }

  nothing({ html }) {
    morph(this.part("nothing"), fragment(html));
    dropStep(this.article.querySelector("[data-steps]"), "write"); // nothing that the model wrote was kept
    say(this.part("nothing").textContent);
  }

  quotes({ html }) {
    morph(this.part("quotes"), fragment(html));
    for (const quote of this.part("quotes").querySelectorAll("blockquote")) say(put(gettext("Quote: %(words)s"), { words: quote.textContent }));
  }

  pictures({ html }) {
    morph(this.part("pictures"), fragment(html));
  }

  tool({ call, html }) {
    this.sent();
    card(this.part("tools"), call, fragment(html));
  }

  reasoning({ start, text }) {
    const part = this.part("thoughts");
    if (start === this.reasoningEnd) part.append(text);
    else part.textContent = head(part.textContent, start) + text;
    this.reasoningEnd = start + Array.from(text).length;
    part.closest("[data-thoughts]").hidden = false;
  }

  window({ html }) {
    morph(document.querySelector("[data-window]"), fragment(html));
  }

  waiting({ text }) {
    this.article.querySelector("[data-waiting]").textContent = text;
  }

  // “Sending” stands until the first step, and what is called by hand takes none.
  sent() {
    const steps = this.article.querySelector("[data-steps]");
    steps.hidden = !steps.querySelector("li");
  }

  closed({ status, html, reason, can_continue, mostly_unsupported, notice_html }) {
    this.sent();
    const text = this.part("text");
    const folded = folds(this.article);
    morph(text, fragment(html));
    this.article.querySelector("[data-weak]").hidden = !mostly_unsupported;
    this.article.querySelector('[data-do="answer_now"]').hidden = true;
    this.article.dataset.status = status;
    const end = document.querySelector(`[data-ending="${status}"]`).content.cloneNode(true);
    if (notice_html) end.querySelector("[data-ended]").replaceChildren(fragment(notice_html));
    const place = end.querySelector("[data-reason]");
    if (place && reason) place.textContent = reason;
    end.querySelector('[data-do="continue"]').hidden = !can_continue;
    this.part("end").replaceChildren(end);
    over(this.article);
    if (!html) this.article.querySelector("[data-ungrounded]").hidden = true;
    const sentences = folded ? [] : [...text.querySelectorAll("[data-sentence]")].map((part) => Number(part.dataset.sentence));
    this.reader.read((sentences.at(-1) ?? -1) + 1, (sentence) => text.querySelectorAll(`[data-sentence="${sentence}"]`));
    ending(this.article, status);
    this.article.dispatchEvent(new CustomEvent("turn:closed", { bubbles: true }));
  }
}
