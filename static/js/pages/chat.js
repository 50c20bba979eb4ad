// A chat page: what the person does goes to the socket, what the socket brings goes to the turns.
import "../chat/composer/assistants.js";
import "../chat/trace.js";
import "../chat/citations.js";
import "../chat/copy.js";
import "../chat/edit.js";
import "../chat/feedback.js";
import "../chat/composer/extras.js";
import "../chat/composer/prompts.js";
import "../chat/share.js";
import "../chat/tools.js";
import "../chat/prefetch.js";
import { fork } from "../chat/branches.js";
import { clear } from "../chat/composer/collections.js";
import { Composer } from "../chat/composer/composer.js";
import { connection } from "../net/connection.js";
import * as filters from "../chat/composer/filters.js";
import { due, owe, second } from "../chat/composer/second-answer.js";
import { Queue } from "../chat/queue.js";
import { isLive, refresh } from "../ui/conversation-list.js";
import { catchUp, retraction } from "../chat/withheld.js";
import { question } from "../chat/ask.js";
import { ask, newId, start, tell } from "../net/socket.js";
import { together } from "../lib/once-more.js";
import { gettext } from "../lib/i18n.js";
import { keep, recall, takeShared } from "../chat/drafts.js";
import { again, begun, gone, stay, temporary, undocumented, WAIT } from "../chat/temporary.js";
import * as transcript from "../chat/transcript.js";

const chat = document.querySelector("[data-chat]");
const conversation = () => chat.dataset.conversation;
const asked = new Map(); // client_id -> {article, text, former}: sent, not yet taken

const compared = new Map(); // turn -> the answer beside which it is shown when it has ended
let meant = null; // the turn whose answer is to be compared

const busy = () => Boolean(transcript.running() || asked.size);
const BUSY = gettext("An answer is still being written. Wait for it, or stop it.");

function submit(text) {
  composer.write("", { focus: false });
  if (busy() && second()) return composer.refuse(BUSY, text);
  if (busy()) return temporary ? composer.refuse(WAIT, text) : queue.put({ ...question(text), client_id: newId() });
  keep("sending", conversation(), text); // a reload before the server has it brings it back as a draft
  const message = question(text);
  send(message, text, { other: message.picture ? null : second() });
}

// `again`: the turn that is asked again; `beside`: its answer, to be compared; `other`: who answers once more afterwards.
function send(message, text, { again = null, beside = null, other = null } = {}) {
  composer.run(true, again?.contains(document.activeElement));
  const former = transcript.from(again);
  const client_id = newId();
  const written = message.do === "continue" && again.querySelector('[data-part="text"]');
  asked.set(client_id, { article: transcript.pending(text, former, { written, paired: beside }), text, former, beside, other });
  chat.classList.add("busy");
  ask({ ...message, client_id });
}

function settled() {
  chat.classList.toggle("busy", busy());
  composer.run(busy());
}

// Before what is being typed, which is not lost.
const before = (text) => composer.write(composer.text ? `${text}\n${composer.text}` : text);

const composer = new Composer(conversation, { submit, halt: () => tell({ do: "stop", turn: transcript.running()?.id }) });
const queue = new Queue(() => (temporary ? "" : conversation()), { edit: before, refuse: (words, text) => composer.refuse(words, text) });

const received = {
  ...retraction,
  accepted({ client_id, turn, conversation: id, question: asking }) {
    const mine = asked.get(client_id);
    if (!mine) return;
    asked.delete(client_id);
    for (const kind of ["sending", "draft", "attaching", "files"]) keep(kind, conversation(), "");
    chat.dataset.conversation = id; // what is typed and queued is kept under its name from now on
    composer.changed();
    queue.flush();
    transcript.accept(mine.article, turn, asking).sibling = mine.former.length > 0;
    if (mine.beside) compared.set(turn, mine.beside);
    if (mine.other) owe(id, turn, mine.other);
    begun(id, turn);
  },
  refused({ client_id, text }) {
    const mine = asked.get(client_id);
    asked.delete(client_id);
    keep("sending", conversation(), "");
    if (mine) transcript.refuse(mine.article, mine.former);
    composer.refuse(text, mine?.former.length ? "" : mine?.text);
    settled();
  },
  async unknown({ turn }) {
    if (temporary) gone(composer, turn);
    else if (transcript.get(turn)) await transcript.refetch(turn);
    settled();
  },
  gone: () => gone(composer, transcript.running()?.id),
  hint: together(async () => {
    const place = conversation();
    await Promise.all([refresh(), queue.refresh()]);
    if (!place || place !== conversation() || busy() || document.querySelector(".edit")) return;
    if ((isLive(place) || transcript.lacking()) && (await transcript.refetchAll())) resume();
  }),
};

function resume() {
  const turn = transcript.running();
  if (turn) tell({ do: "resume", turn: turn.id, after: turn.seen });
  settled();
}

start({
  state: connection,
  opened: () => resume(stay(), catchUp(conversation())),
  received(event) {
    if (received[event.type]) return received[event.type](event);
    transcript.get(event.turn)?.take(event);
  },
});

const verbs = {
  retry: (turn, text) => send(again(turn, text), text, { again: turn }),
  continue: (turn, text) => send({ do: "continue", turn: turn.dataset.turn }, text, { again: turn }),
  fork,
  answer_without_documents: (turn, text) => send(undocumented(turn, text), text, { again: turn }),
  rephrase: (_, text) => composer.write(text),
  widen: (_, text) => submit(text, clear()),
  unfilter: (_, text) => submit(text, filters.clear()),
};

// Another model, or another assistant with the model that it has, answers once more.
function compare({ compareModel: model = null, compareAssistant: assistant = null }) {
  document.getElementById("compare-with").close();
  if (busy()) return composer.refuse(BUSY);
  answerTwice(meant, { model, assistant });
}

function answerTwice(turn, other) {
  const { text } = turn.querySelector("[data-question]").dataset;
  send({ ...again(turn, text), ...other }, text, { again: turn, beside: turn.dataset.turn });
}

// The question whose second answer is still due, now that the first is there.
function answerSecond(turn) {
  const other = turn?.dataset.status === "complete" && due(conversation(), turn.dataset.turn);
  if (other) answerTwice(turn, other);
}

document.addEventListener("click", (event) => {
  if (event.target.closest('[data-opens="compare-with"]')) meant = event.target.closest("[data-turn]");
  const other = event.target.closest("[data-compare-model], [data-compare-assistant]");
  if (other) return compare(other.dataset);
  const starter = event.target.closest("[data-starter]");
  if (starter) return submit(starter.textContent.trim());
  const verb = event.target.closest("[data-do]")?.dataset.do;
  const turn = event.target.closest("[data-turn]");
  if (verb === "answer_now") return tell({ do: verb, turn: turn.dataset.turn });
  if (verb && turn && !busy()) verbs[verb](turn, turn.querySelector("[data-question]").dataset.text);
});

document.addEventListener("question:rerun", (event) => {
  if (busy()) return event.preventDefault();
  const { text } = event.detail;
  send({ ...question(text), after: null, reworded_question: event.target.dataset.questionId }, text, { again: event.target });
});

document.addEventListener("turn:closed", ({ target }) => {
  if (!document.hidden) tell({ do: "seen", conversation: conversation() });
  const beside = compared.get(target.dataset.turn);
  if (beside && target.dataset.status === "complete") return location.assign(`/answers/${target.dataset.turn}/compare/?with=${beside}`);
  if (!temporary && transcript.get(target.dataset.turn)?.sibling) transcript.dress(target);
  settled();
  answerSecond(target);
});

transcript.adopt();
// What was under way when the page was left, and had not been taken by the server.
const left = recall("sending", conversation());
keep("sending", conversation(), "");
for (const text of [left, takeShared(chat)]) if (text) before(text);
settled();
if (!busy()) answerSecond(document.getElementById(`turn-${transcript.last()}`));
chat.dataset.ready = "";
