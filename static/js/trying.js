// An assistant tried beside its form: its answer is written there as in a chat, with its sources, and nothing is kept.
import "./citations.js";
import { Blocks } from "./blocks.js";
import { fragment, morph } from "./morph.js";
import { step } from "./steps.js";
import { gettext } from "./words.js";

const button = document.querySelector("[data-try]");
const form = button.closest("form");
const place = document.getElementById("tried");
const status = document.querySelector("[data-trying]");
const headers = JSON.parse(document.body.getAttribute("hx-headers"));
const ASK = button.textContent;
const PLACED = new Set(["sources", "quotes", "nothing"]);
let running = null; // the AbortController of what is being written

class Answer {
  blocks = new Blocks();
  arrived = [];
  article = document.querySelector("[data-tried-parts]").content.cloneNode(true).firstElementChild;

  part(name) {
    return this.article.querySelector(`[data-part="${name}"]`);
  }

  take(event) {
    this.arrived.push(event);
    if (this.arrived.length > 1) return;
    if (document.hidden) setTimeout(() => this.show(), 200);
    else requestAnimationFrame(() => this.show());
  }

  show() {
    const events = this.arrived;
    this.arrived = [];
    const written = events.filter(({ type }) => type === "text" || type === "cited");
    for (const event of written) event.type === "text" ? this.blocks.write(event) : this.blocks.cite(event);
    if (written.length) this.blocks.show(this.part("text"));
    for (const event of events) {
      if (event.type === "step") step(this.article.querySelector("[data-steps]"), event);
      else if (PLACED.has(event.type)) morph(this.part(event.type), fragment(event.html));
      else if (event.type === "closed") this.closed(event);
    }
  }

  closed({ status: how, html, reason, weak }) {
    morph(this.part("text"), fragment(html));
    this.article.dataset.status = how;
    this.article.querySelector("[data-weak]").hidden = !weak;
    this.end(reason);
  }

  end(words) {
    const line = this.part("end");
    line.textContent = words;
    line.hidden = !words;
  }
}

async function heard(answer, body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let got = await reader.read(); !got.done; got = await reader.read()) {
    const lines = (rest + got.value).split("\n");
    rest = lines.pop();
    for (const line of lines) answer.take(JSON.parse(line));
  }
}

async function ask() {
  const stop = (running = new AbortController());
  const answer = new Answer();
  place.replaceChildren(answer.article);
  say(true);
  try {
    const said = await fetch(button.dataset.try, { method: "POST", body: new FormData(form), headers, signal: stop.signal });
    if (said.status === 400) answer.end(await said.text());
    else if (!said.ok || said.redirected) throw new Error(String(said.status));
    else await heard(answer, said.body);
  } catch {
    answer.end(stop.signal.aborted ? gettext("Stopped.") : gettext("The server does not answer. Try again in a moment."));
  }
  if (running === stop) running = null;
  say(Boolean(running));
}

function say(busy) {
  button.textContent = busy ? gettext("Stop") : ASK;
  status.hidden = !busy;
  place.ariaBusy = String(busy); // read when it is whole
}

button.addEventListener("click", () => (running ? running.abort() : ask()));
document.getElementById("try").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing) return;
  event.preventDefault(); // the form around it is not meant
  if (!running) ask();
});
