// Voice by the browser's own functions: dictation into the field, and an answer read aloud. Without them there are no buttons.
import { showRefusal } from "./composer/refusal.js";
import { announce } from "../ui/announce.js";
import { getSpokenText } from "./copy.js";
import { gettext } from "../lib/i18n.js";

const { lang } = document.documentElement;
const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;
const speaks = "speechSynthesis" in window && "SpeechSynthesisUtterance" in window;
const form = document.querySelector("[data-composer]");
const field = form.querySelector("textarea");
const microphone = form.querySelector("[data-dictate][data-starts]"); // the other way to it is behind "+", also where there is text
const line = form.querySelector("[data-reading]"); // says that an answer is being read
const LISTENING = gettext("Listening… Press again to stop.");
const WORDS = {
  "not-allowed": gettext("This page may not use the microphone. Allow it in the settings of your browser, then try again."),
  "audio-capture": gettext("Your browser found no microphone. Connect one, then try again."),
};
const QUIET = new Set(["no-speech", "aborted"]); // nobody spoke, or somebody pressed stop
const SILENT = gettext("The speech service of your browser is not responding. Your text is still here.");

let listening = null;
let reading = null; // the button of the answer that is being read

function mark(button, pressed) {
  button.setAttribute("aria-pressed", String(pressed));
  const words = button.querySelector("[data-words]");
  words.textContent = pressed ? button.dataset.stops : button.dataset.starts;
}

// What was there stays before what is said; what is still being understood may change until it is final.
function dictate() {
  const textBefore = field.value && !/\s$/.test(field.value) ? `${field.value} ` : field.value;
  listening = Object.assign(new Recognition(), { lang, continuous: true, interimResults: true });
  listening.addEventListener("result", ({ results }) => {
    field.value = textBefore + [...results].map((result) => result[0].transcript).join("");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  listening.addEventListener("error", ({ error }) => QUIET.has(error) || showRefusal(WORDS[error] ?? SILENT));
  listening.addEventListener("end", () => {
    listening = null;
    mark(microphone, false);
    field.focus();
  });
  mark(microphone, true);
  announce(LISTENING);
  listening.start();
}

function stopReading() {
  speechSynthesis.cancel();
  line.hidden = true;
  if (reading?.isConnected) mark(reading, false);
  reading = null;
}

function readAloud(button) {
  const again = button === reading;
  stopReading();
  if (again) return;
  const utterance = Object.assign(new SpeechSynthesisUtterance(getSpokenText(button.closest("[data-answer]"))), { lang });
  const over = () => button === reading && stopReading();
  utterance.addEventListener("end", over);
  utterance.addEventListener("error", ({ error }) => {
    if (button === reading && !["canceled", "interrupted"].includes(error)) announce(gettext("Your browser could not read this aloud."));
    over();
  });
  reading = button;
  mark(button, true);
  line.hidden = false;
  announce(gettext("Reading the answer aloud. Press Esc to stop."));
  speechSynthesis.speak(utterance);
}

if (Recognition) {
  for (const button of form.querySelectorAll("[data-dictate]")) {
    button.hidden = false;
    button.addEventListener("click", () => (listening ? listening.stop() : dictate()));
  }
  form.addEventListener("submit", () => listening?.stop());
}
if (speaks) {
  document.documentElement.classList.add("speaks"); // shows the buttons of answers, also of those that come later
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-read-aloud]");
    if (button) readAloud(button);
  });
  line.querySelector("button").addEventListener("click", () => {
    const button = reading;
    stopReading();
    (button?.closest("details:not([open])")?.querySelector("summary") ?? button)?.focus(); // it may be in a menu
  });
  addEventListener("pagehide", stopReading);
  document.addEventListener("turn:retracted", stopReading);
}
// Before the menu in which it was begun hears the key and closes.
function stopOnEscape(event) {
  if (event.key !== "Escape" || !(listening || reading)) return;
  listening?.stop();
  if (reading) stopReading();
}
document.addEventListener("keydown", stopOnEscape, true);
