// A chat page: what the person does goes to the socket, what the socket brings goes to the turns.
import "../chat/composer/assistants.js";
import "../chat/trace.js";
import "../chat/citations.js";
import "../chat/copy.js";
import "../chat/edit.js";
import "../chat/feedback.js";
import "../chat/composer/prompts.js";
import "../chat/share.js";
import "../chat/tools.js";
import "../chat/prefetch.js";
import { forkConversation } from "../chat/branches.js";
import { clearSelection } from "../chat/composer/collections.js";
import { Composer } from "../chat/composer/composer.js";
import { showConnection } from "../net/connection.js";
import * as filters from "../chat/composer/filters.js";
import { takeDueAnswer, storeDueAnswer, getSecondWriter } from "../chat/composer/second-answer.js";
import { Queue } from "../chat/queue.js";
import { isLive, refreshConversations } from "../ui/conversation-list.js";
import { catchUp, retraction } from "../chat/withheld.js";
import { buildQuestion } from "../chat/ask.js";
import { sendReliably, newId, openSocket, sendMessage } from "../net/socket.js";
import { coalesce } from "../lib/coalesce.js";
import { gettext } from "../lib/i18n.js";
import { storeDraft, readDraft, takeSharedText } from "../chat/drafts.js";
import { buildRetry, conversationStarted, endTemporary, resumeTemporary, temporary, buildModelWritten, buildUndocumented, WAIT_FOR_ANSWER } from "../chat/temporary.js";
import * as transcript from "../chat/transcript.js";

const chat = document.querySelector("[data-chat]");
const conversation = () => chat.dataset.conversation;
const pending = new Map(); // client_id -> {article, text, former, beside, other}: questions sent, not yet accepted
const besides = new Map(); // turn id -> id of the answer beside which it is shown when it has ended
let comparedTurn = null; // article of the turn whose answer the open dialog compares

const busy = () => Boolean(transcript.getRunning() || pending.size);
const BUSY = gettext("An answer is still being written. Wait for it, or stop it.");

function submit(text) {
  composer.write("", { focus: false });
  if (busy() && getSecondWriter()) return composer.refuse(BUSY, text);
  if (busy()) return temporary ? composer.refuse(WAIT_FOR_ANSWER, text) : queue.put({ ...buildQuestion(text), client_id: newId() });
  storeDraft("sending", conversation(), text); // a reload before the server has it brings it back as a draft
  const message = buildQuestion(text);
  send(message, text, { other: message.picture ? null : getSecondWriter() });
}

// `again`: the turn that is asked again; `beside`: its answer, to be compared; `other`: who answers once more afterwards.
function send(message, text, { again = null, beside = null, other = null } = {}) {
  composer.run(true, again?.contains(document.activeElement));
  const former = transcript.getTurnsFrom(again);
  const client_id = newId();
  const written = message.do === "continue" && again.querySelector('[data-part="text"]');
  pending.set(client_id, { article: transcript.addPending(text, former, { written, paired: beside }), text, former, beside, other });
  chat.classList.add("busy");
  sendReliably({ ...message, client_id });
}

function updateBusy() {
  chat.classList.toggle("busy", busy());
  composer.run(busy());
}

// Put the text before what is being typed, which is not lost.
const prependText = (text) => composer.write(composer.text ? `${text}\n${composer.text}` : text);

const composer = new Composer(conversation, { submit, halt: () => sendMessage({ do: "stop", turn: transcript.getRunning()?.id }) });
const queue = new Queue(() => (temporary ? "" : conversation()), { edit: prependText, refuse: (words, text) => composer.refuse(words, text) });

const received = {
  ...retraction,
  accepted({ client_id, turn, conversation: id, question: questionId }) {
    const question = pending.get(client_id);
    if (!question) return;
    pending.delete(client_id);
    for (const kind of ["sending", "draft", "attaching", "files"]) storeDraft(kind, conversation(), "");
    chat.dataset.conversation = id; // what is typed and queued is kept under its name from now on
    composer.changed();
    queue.flush();
    transcript.acceptPending(question.article, turn, questionId).sibling = question.former.length > 0;
    if (question.beside) besides.set(turn, question.beside);
    if (question.other) storeDueAnswer(id, turn, question.other);
    conversationStarted(id, turn);
  },
  refused({ client_id, text }) {
    const question = pending.get(client_id);
    pending.delete(client_id);
    storeDraft("sending", conversation(), "");
    if (question) transcript.removePending(question.article, question.former);
    composer.refuse(text, question?.former.length ? "" : question?.text);
    updateBusy();
  },
  async unknown({ turn }) {
    if (temporary) endTemporary(composer, turn);
    else if (transcript.getTurn(turn)) await transcript.reloadTurn(turn);
    updateBusy();
  },
  gone: () => endTemporary(composer, transcript.getRunning()?.id),
  hint: coalesce(async () => {
    const id = conversation();
    await Promise.all([refreshConversations(), queue.refresh()]);
    if (!id || id !== conversation() || busy() || document.querySelector(".edit")) return;
    if ((isLive(id) || transcript.lacksTurn()) && (await transcript.reloadAll())) resume();
  }),
};

function resume() {
  const turn = transcript.getRunning();
  if (turn) sendMessage({ do: "resume", turn: turn.id, after: turn.seen });
  updateBusy();
}

openSocket({
  state: showConnection,
  opened() {
    resumeTemporary();
    catchUp(conversation());
    resume();
  },
  received(event) {
    if (received[event.type]) return received[event.type](event);
    transcript.getTurn(event.turn)?.take(event);
  },
});

const verbs = {
  retry: (turn, text) => send(buildRetry(turn, text), text, { again: turn }),
  continue: (turn, text) => send({ do: "continue", turn: turn.dataset.turn }, text, { again: turn }),
  fork: forkConversation,
  answer_without_documents: (turn, text) => send(buildUndocumented(turn, text), text, { again: turn }),
  let_model_write: (turn, text) => send(buildModelWritten(turn, text), text, { again: turn }),
  rephrase: (_, text) => composer.write(text),
  widen(_, text) {
    clearSelection();
    submit(text);
  },
  unfilter(_, text) {
    filters.clearFilters();
    submit(text);
  },
};

// Another model, or another assistant with the model that it has, answers once more.
function compare({ compareModel: model = null, compareAssistant: assistant = null }) {
  document.getElementById("compare-with").close();
  if (busy()) return composer.refuse(BUSY);
  answerTwice(comparedTurn, { model, assistant });
}

function answerTwice(turn, other) {
  const { text } = turn.querySelector("[data-question]").dataset;
  send({ ...buildRetry(turn, text), ...other }, text, { again: turn, beside: turn.dataset.turn });
}

// The question whose second answer is still due, now that the first is there.
function answerSecond(turn) {
  const other = turn?.dataset.status === "complete" && takeDueAnswer(conversation(), turn.dataset.turn);
  if (other) answerTwice(turn, other);
}

document.addEventListener("click", (event) => {
  if (event.target.closest('[data-opens="compare-with"]')) comparedTurn = event.target.closest("[data-turn]");
  const other = event.target.closest("[data-compare-model], [data-compare-assistant]");
  if (other) return compare(other.dataset);
  const starter = event.target.closest("[data-starter]");
  if (starter) return submit(starter.textContent.trim());
  const verb = event.target.closest("[data-do]")?.dataset.do;
  const turn = event.target.closest("[data-turn]");
  if (verb === "answer_now") return sendMessage({ do: verb, turn: turn.dataset.turn });
  if (verb && turn && !busy()) verbs[verb](turn, turn.querySelector("[data-question]").dataset.text);
});

document.addEventListener("question:rerun", (event) => {
  if (busy()) return event.preventDefault();
  const { text } = event.detail;
  send({ ...buildQuestion(text), after: null, reworded_question: event.target.dataset.questionId }, text, { again: event.target });
});

document.addEventListener("turn:closed", ({ target }) => {
  if (!document.hidden) sendMessage({ do: "seen", conversation: conversation() });
  const beside = besides.get(target.dataset.turn);
  if (beside && target.dataset.status === "complete") return location.assign(`/answers/${target.dataset.turn}/compare/?with=${beside}`);
  if (!temporary && transcript.getTurn(target.dataset.turn)?.sibling) transcript.refreshTurn(target);
  updateBusy();
  answerSecond(target);
});

transcript.followRunning();
// The question that was being sent when the page was left, and that the server had not accepted.
const unsent = readDraft("sending", conversation());
storeDraft("sending", conversation(), "");
for (const text of [unsent, takeSharedText(chat)]) if (text) prependText(text);
updateBusy();
if (!busy()) answerSecond(document.getElementById(`turn-${transcript.getLastId()}`));
chat.dataset.ready = "";
