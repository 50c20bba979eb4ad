// An assistant tried beside its form: its answer is written there as in a chat, with its sources, and nothing is kept.
import "../chat/citations.js";
import { StreamedAnswer } from "../chat/streamed-answer.js";
import { endChecking } from "../chat/verified-only.js";
import { headers } from "../net/headers.js";
import { fragment, morph } from "../lib/morph.js";
import { showStep } from "../chat/steps.js";
import { gettext } from "../lib/i18n.js";

const button = document.querySelector("[data-try]");
const form = button.closest("form");
const output = document.getElementById("tried");
const status = document.querySelector("[data-try-status]");
const ASK = button.textContent;
const PLACED = new Set(["sources", "quotes", "nothing"]);
let running = null; // the AbortController of what is being written

class Answer extends StreamedAnswer {
  article = document.querySelector("[data-try-template]").content.cloneNode(true).firstElementChild;

  show() {
    const events = this.takeArrived();
    this.showText(events);
    for (const event of events) {
      if (event.type === "step") showStep(this.article.querySelector("[data-steps]"), event);
      else if (PLACED.has(event.type)) morph(this.part(event.type), fragment(event.html));
      else if (event.type === "closed") this.closed(event);
    }
  }

  closed({ status: how, html, reason, mostly_unsupported }) {
    morph(this.part("text"), fragment(html));
    this.article.dataset.status = how;
    endChecking(this.article);
    this.article.querySelector("[data-weak]").hidden = !mostly_unsupported;
    this.end(reason, how === "failed");
  }

  // The line was lost, before the first word or in the middle of the answer: what has come stays.
  broken() {
    this.show();
    const lost = gettext("The connection was lost before the answer was complete. The text so far stays here.");
    this.end(this.begun ? lost : gettext("The server is not responding. Try again in a moment."), true);
  }

  get begun() {
    return this.part("text").hasChildNodes();
  }

  end(words, again = false) {
    this.part("end").hidden = !words;
    this.article.querySelector("[data-words]").textContent = words;
    this.article.querySelector("[data-again]").hidden = !again;
  }
}

// Whether the answer came to its end.
async function readStream(answer, body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let [rest, ended] = ["", false];
  for (let got = await reader.read(); !got.done; got = await reader.read()) {
    const lines = (rest + got.value).split("\n");
    rest = lines.pop();
    for (const event of lines.map((line) => JSON.parse(line))) {
      answer.take(event);
      ended ||= event.type === "closed";
    }
  }
  return ended;
}

async function ask() {
  const stop = (running = new AbortController());
  const answer = new Answer();
  output.replaceChildren(answer.article);
  showBusy(true);
  try {
    const reply = await fetch(button.dataset.try, { method: "POST", body: new FormData(form), headers, signal: stop.signal });
    if (reply.status === 400) answer.end(await reply.text());
    else if (!reply.ok || reply.redirected || !(await readStream(answer, reply.body))) answer.broken();
  } catch {
    if (stop.signal.aborted) answer.end(gettext("Stopped."));
    else answer.broken();
  }
  if (running === stop) running = null;
  showBusy(Boolean(running));
}

function showBusy(busy) {
  button.textContent = busy ? gettext("Stop") : ASK;
  status.hidden = !busy;
  output.ariaBusy = String(busy); // read when it is whole
}

button.addEventListener("click", () => (running ? running.abort() : ask()));
output.addEventListener("click", ({ target }) => {
  if (!target.closest("[data-again]") || running) return;
  button.focus(); // the one that was pressed goes with what it stood below
  ask();
});
document.getElementById("try").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing) return;
  event.preventDefault(); // the form around it is not meant
  if (!running) ask();
});
