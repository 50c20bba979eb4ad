// An answer that is streamed onto a page: gathers its events and shows them once a frame. Subclasses define `article` and
// `show()`.
import { Blocks } from "./blocks.js";
import { getTextElement, hideUnverified } from "./verified-only.js";

export class StreamedAnswer {
  blocks = new Blocks();
  arrived = [];

  part(name) {
    return this.article.querySelector(`[data-part="${name}"]`);
  }

  take(event) {
    this.arrived.push(event);
    if (this.arrived.length > 1) return;
    // A hidden page gets no frames but goes on all the same.
    if (document.hidden) setTimeout(() => this.show(), 200);
    else requestAnimationFrame(() => this.show());
  }

  takeArrived() {
    const events = this.arrived;
    this.arrived = [];
    return events;
  }

  // Show the text and the citations among the events, and return their events.
  showText(events) {
    const written = events.filter(({ type }) => type === "text" || type === "cited");
    for (const event of written) event.type === "text" ? this.blocks.write(event) : this.blocks.cite(event);
    for (const { type, text } of events) if (type === "folds") hideUnverified(this.article, text);
    if (written.length) this.blocks.show(getTextElement(this.article));
    return written;
  }
}
