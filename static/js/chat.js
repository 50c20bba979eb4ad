// A chat page: what the person does goes to the socket, what the socket brings goes to the turns.
import "./citations.js";
import "./copy.js";
import { chosen, clear } from "./collections.js";
import { Composer } from "./composer.js";
import { connection } from "./connection.js";
import { Queue } from "./queue.js";
import { isLive, refresh } from "./recent.js";
import { ask, newId, start, tell } from "./socket.js";
import { keep, recall } from "./drafts.js";
import * as transcript from "./transcript.js";

const chat = document.querySelector("[data-chat]");
const conversation = () => chat.dataset.conversation;
const asked = new Map(); // client_id -> {article, text, former}: sent, not yet taken

const busy = () => Boolean(transcript.running() || asked.size);

function submit(text) {
  composer.write("", { focus: false });
  if (busy()) return queue.put(text);
  keep("sending", conversation(), text); // a reload before the server has it brings it back as a draft
  send({ do: "ask", conversation: conversation() || null, text, collections: chosen(), without_documents: false }, text);
}

function send(message, text, again = null) {
  const former = transcript.from(again);
  const client_id = newId();
  asked.set(client_id, { article: transcript.pending(text, former), text, former });
  composer.run(true);
  chat.classList.add("busy");
  ask({ ...message, client_id });
}

function settled() {
  chat.classList.toggle("busy", busy());
  composer.run(busy());
  if (!busy() && queue.text) submit(queue.take());
}

const composer = new Composer(conversation, { submit, halt: () => tell({ do: "stop", turn: transcript.running()?.id }) });
const queue = new Queue(conversation, {
  now(text) {
    queue.put(text); // goes out as soon as the running answer has stopped
    tell({ do: "stop", turn: transcript.running()?.id });
  },
  edit: (text) => composer.write(text),
  delete() {},
});

const received = {
  accepted({ client_id, turn, conversation: id }) {
    const mine = asked.get(client_id);
    if (!mine) return;
    asked.delete(client_id);
    for (const kind of ["sending", "draft", "queued"]) keep(kind, conversation(), "");
    chat.dataset.conversation = id; // what is typed and queued is kept under its name from now on
    composer.changed();
    queue.show();
    document.querySelector("[data-conversation-menu]").hidden = false;
    if (location.pathname + location.search !== `/c/${id}/`) history.replaceState(null, "", `/c/${id}/`);
    transcript.accept(mine.article, turn);
    refresh();
  },
  refused({ client_id, words }) {
    const mine = asked.get(client_id);
    asked.delete(client_id);
    keep("sending", conversation(), "");
    if (mine) transcript.refuse(mine.article, mine.former);
    composer.refuse(words, mine?.former.length ? "" : mine?.text);
    settled();
  },
  async unknown({ turn }) {
    if (transcript.get(turn)) await transcript.refetch(turn);
    settled();
  },
  async hint({ conversation: id }) {
    await refresh();
    if (id === conversation() && isLive(id) && !busy()) {
      await transcript.refetchAll();
      resume();
    }
  },
};

function resume() {
  const turn = transcript.running();
  if (turn) tell({ do: "resume", turn: turn.id, after: turn.seen });
  settled();
}

start({
  state: connection,
  opened: resume,
  received(event) {
    if (received[event.type]) return received[event.type](event);
    transcript.get(event.turn)?.take(event);
  },
});

const verbs = {
  retry: (turn, text) => send({ do: "retry", turn: turn.dataset.turn }, text, turn),
  answer_without_documents: (turn, text) => send({ do: "answer_without_documents", turn: turn.dataset.turn }, text, turn),
  rephrase: (_, text) => composer.write(text),
  widen(_, text) {
    clear();
    submit(text);
  },
};

document.addEventListener("click", (event) => {
  const starter = event.target.closest("[data-starter]");
  if (starter) return submit(starter.textContent.trim());
  const verb = event.target.closest("[data-do]")?.dataset.do;
  const turn = event.target.closest("[data-turn]");
  if (verb && turn && !busy()) verbs[verb](turn, turn.querySelector("[data-question]").innerText.trim());
});

document.addEventListener("turn:closed", settled);

transcript.adopt();
// What was under way when the page was left: unsent, or in line for an answer that has ended meanwhile.
const left = [recall("sending", conversation()), busy() ? "" : queue.take()].filter(Boolean).join("\n");
keep("sending", conversation(), "");
if (left) composer.write(composer.text ? `${left}\n${composer.text}` : left);
settled();
chat.dataset.ready = "";
