// The field in which a question is written. It stays usable while an answer runs: Enter then puts the question in line.
import "./collections.js";
import { storeDraft, readDraft } from "../drafts.js";
import { hideRefusal, showRefusal } from "./refusal.js";
import { temporary } from "../temporary.js";

const form = document.querySelector("[data-composer]");
const field = form.querySelector("textarea");
const send = form.querySelector("[data-send]");
const stop = form.querySelector("[data-stop]");
const enqueue = form.querySelector("[data-enqueue]");
const grows = CSS.supports("field-sizing", "content");

export class Composer {
  running = false;

  constructor(conversation, { submit, halt }) {
    this.conversation = conversation;
    field.value ||= readDraft("draft", conversation()); // what was typed before this script ran is newer
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = field.value.trim();
      if (text) submit(text);
    });
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    field.addEventListener("input", () => {
      hideRefusal();
      this.changed();
    });
    stop.addEventListener("click", () => {
      if (stop.ariaDisabled === "true") return;
      stop.ariaDisabled = "true"; // at once, whatever the line does
      halt();
    });
    this.changed();
    if (matchMedia("(pointer: fine)").matches) field.focus({ preventScroll: true });
  }

  get text() {
    return field.value;
  }

  changed() {
    const empty = !field.value.trim();
    if (this.conversation()) field.placeholder = field.dataset.further;
    send.disabled = empty;
    enqueue.hidden = !this.running || empty || temporary;
    storeDraft("draft", this.conversation(), field.value);
    if (grows) return;
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  }

  // Stop takes Send's place, and the focus if Send had it. What stood in a turn that goes leaves its focus to the field.
  run(running, leaving = false) {
    const focused = [send, stop].includes(document.activeElement);
    this.running = running;
    send.hidden = running;
    stop.hidden = !running;
    if (!running) stop.ariaDisabled = null;
    if (focused) (running ? stop : field).focus();
    else if (leaving && matchMedia("(pointer: fine)").matches) field.focus({ preventScroll: true });
    this.changed();
  }

  write(text, { focus = true } = {}) {
    field.value = text;
    this.changed();
    if (focus) field.focus();
  }

  refuse(words, text) {
    document.dispatchEvent(new CustomEvent("composer:refused", { detail: text }));
    showRefusal(words);
    if (text && !field.value.trim()) this.write(text);
  }
}
