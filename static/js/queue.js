// One follow-up may wait for the running answer to end: shown above the field, to be sent now, edited or deleted.
import { keep, recall } from "./drafts.js";

const chip = document.querySelector("[data-queue]");
const words = document.querySelector("[data-queue-text]");

export class Queue {
  constructor(conversation, actions) {
    this.conversation = conversation;
    this.text = recall("queued", conversation());
    this.show();
    chip.addEventListener("click", (event) => {
      const action = event.target.closest("[data-queue-do]")?.dataset.queueDo;
      if (action) actions[action](this.take());
    });
  }

  put(text) {
    this.text = this.text ? `${this.text}\n${text}` : text; // one follow-up: what comes later is added to it
    this.show();
  }

  take() {
    const text = this.text;
    this.text = "";
    this.show();
    return text;
  }

  show() {
    keep("queued", this.conversation(), this.text);
    chip.hidden = !this.text;
    words.textContent = this.text;
  }
}
