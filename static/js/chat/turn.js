// One question and its answer on the page: takes the events of its turn and shows them, once a frame.
import { announceEnd, SentenceReader, announce } from "../ui/announce.js";
import { takeCharacters } from "./blocks.js";
import { StreamedAnswer } from "./streamed-answer.js";
import { endChecking, hidesUnverified } from "./verified-only.js";
import { fragment, morph } from "../lib/morph.js";
import { nameSources, removeStep, showStep } from "./steps.js";
import { placeCard } from "./tools.js";
import { gettext, interpolate } from "../lib/i18n.js";

const SHOWN = new Set(["opened", "step", "sources", "nothing", "quotes", "tool", "reasoning", "window", "waiting", "pictures", "closed"]); // text, cited and folds are gathered first

export class Turn extends StreamedAnswer {
  constructor(article, changed) {
    super();
    this.article = article;
    this.changed = changed; // called around each change, so that the page stays where it is read
    this.seen = Number(article.dataset.after);
    this.reader = new SentenceReader();
    this.reasoningEnd = null; // characters on the page, as the server counts them
  }

  get id() {
    return this.article.dataset.turn;
  }

  get running() {
    return this.article.dataset.status === "writing";
  }

  take(event) {
    if (event.seq <= this.seen) return; // already here: two replays may overlap
    this.seen = event.seq;
    super.take(event);
  }

  // Nothing that was or will be heard of it is shown any more.
  leave() {
    this.seen = Infinity;
    this.arrived = [];
  }

  show() {
    const events = this.takeArrived();
    if (!events.length) return;
    this.changed(() => {
      const written = this.showText(events);
      const parts = (sentence) => this.blocks.parts(sentence);
      const folding = hidesUnverified(this.article);
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
    showStep(this.article.querySelector("[data-steps]"), event);
    if (event.name === "small_talk") this.article.querySelector("[data-ungrounded]").hidden = true;
    if (event.name === "wait") this.article.querySelector('[data-do="answer_now"]').hidden = event.ms !== null;
    if (event.name === "search" && event.ms !== null) announce(event.text);
  }

  sources({ html }) {
    morph(this.part("sources"), fragment(html));
  }

  nothing({ html }) {
    morph(this.part("nothing"), fragment(html));
    removeStep(this.article.querySelector("[data-steps]"), "write"); // nothing that the model wrote was kept
    announce(this.part("nothing").textContent);
  }

  quotes({ html }) {
    morph(this.part("quotes"), fragment(html));
    for (const quote of this.part("quotes").querySelectorAll("blockquote:not(details *)")) announce(interpolate(gettext("Quote: %(words)s"), { words: quote.textContent }));
  }

  pictures({ html }) {
    morph(this.part("pictures"), fragment(html));
  }

  tool({ call, html }) {
    this.sent();
    placeCard(this.part("tools"), call, fragment(html));
  }

  reasoning({ start, text }) {
    const part = this.part("thoughts");
    if (start === this.reasoningEnd) part.append(text);
    else part.textContent = takeCharacters(part.textContent, start) + text;
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

  closed({ status, html, reason, can_continue, mostly_unsupported, notice_html, only_quotes }) {
    this.sent();
    const text = this.part("text");
    const folded = hidesUnverified(this.article);
    morph(text, fragment(html));
    this.article.querySelector("[data-weak]").hidden = !mostly_unsupported;
    this.article.querySelector('[data-do="answer_now"]').hidden = true;
    this.article.dataset.status = status;
    const end = document.querySelector(`[data-ending="${status}"]`).content.cloneNode(true);
    if (notice_html) end.querySelector("[data-ended]").replaceChildren(fragment(notice_html));
    const reasonLine = end.querySelector("[data-reason]");
    if (reasonLine && reason) reasonLine.textContent = reason;
    end.querySelector('[data-do="continue"]').hidden = !can_continue;
    end.querySelector('[data-do="retry"]').hidden = only_quotes;
    end.querySelector('[data-do="let_model_write"]').hidden = !only_quotes;
    this.part("end").replaceChildren(end);
    nameSources(this.article.querySelector("[data-steps]"));
    endChecking(this.article);
    if (!html) this.article.querySelector("[data-ungrounded]").hidden = true;
    const sentences = folded ? [] : [...text.querySelectorAll("[data-sentence]")].map((part) => Number(part.dataset.sentence));
    this.reader.read((sentences.at(-1) ?? -1) + 1, (sentence) => text.querySelectorAll(`[data-sentence="${sentence}"]`));
    announceEnd(this.article, status);
    this.article.dispatchEvent(new CustomEvent("turn:closed", { bubbles: true }));
  }
}
