// A chat page: what the person does goes to the socket, what the socket brings goes to the turns.
import "./citations.js";
import "./copy.js";
import { chosen, clear } from "./collections.js";
import { Composer } from "./composer.js";
import { connection } from "./connection.js";
import { Queue } from "./queue.js";
import { isLive, refresh } from "./recent.js";
import { ask, newId, start, tell } from "./socket.js";
import * as transcript from "./transcript.js";

const chat = document.querySelector("[data-chat]");
const conversation = () => chat.dataset.conversation;
const asked = new Map(); // client_id -> {article, text, former}: sent, not yet taken

function submit(text) {
  composer.write("", { focus: false });
  if (transcript.running() || asked.size) queue.put(text);
  else send({ do: "ask", conversation: conversation() || null, text, collections: chosen(), without_documents: false }, text);
}

function send(message, text, former = null) {
  const client_id = newId();
  asked.set(client_id, { article: transcript.pending(text, former), text, former });
  composer.run(true);
  ask({ ...message, client_id });
}

function settled() {
  const busy = Boolean(transcript.running() || asked.size);
  composer.run(busy);
  if (!busy && queue.text) submit(queue.take());
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
    if (!conversation()) {
      chat.dataset.conversation = id;
      history.replaceState(null, "", `/c/${id}/`);
    }
    transcript.accept(mine.article, turn);
    if (queue.text) queue.show();
    refresh();
  },
  refused({ client_id, words }) {
    const mine = asked.get(client_id);
    asked.delete(client_id);
    if (mine?.former) mine.article.replaceWith(mine.former);
    else mine?.article.remove();
    composer.refuse(words, mine?.former ? "" : mine?.text);
    settled();
  },
  async unknown({ turn }) {
    await transcript.refetch(turn);
    settled();
  },
  async hint({ conversation: id }) {
    await refresh();
    if (id === conversation() && isLive(id) && !transcript.running() && !asked.size) {
      await transcript.refetchAll();
      resume();
    }
  },
};

function resume() {
  for (const turn of [transcript.running()].filter(Boolean)) tell({ do: "resume", turn: turn.id, after: turn.seen });
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
  if (verb && turn) verbs[verb](turn, turn.querySelector("[data-question]").innerText.trim());
});

document.addEventListener("turn:closed", settled);

transcript.adopt();
settled();
