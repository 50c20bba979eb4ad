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
import { buildRetry, conversationStarted, endTemporary, resumeTemporary, temporary, buildUndocumented, WAIT_FOR_ANSWER } from "../chat/temporary.js";
import * as transcript from "../chat/transcript.js";

const chat = document.querySelector("[data-chat]");
const conversation = () => chat.dataset.conversation;
const asked = new Map(); // client_id -> {article, text, former}: sent, not yet taken

const compared = new Map(); // turn -> the answer beside which it is shown when it has ended
let meant = null; // the turn whose answer is to be compared

const busy = () => Boolean(transcript.getRunning() || asked.size);
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
  asked.set(client_id, { article: transcript.addPending(text, former, { written, paired: beside }), text, former, beside, other });
  chat.classList.add("busy");
  sendReliably({ ...message, client_id });
}

function settled() {
  chat.classList.toggle("busy", busy());
  composer.run(busy());
}

// Before what is being typed, which is not lost.
const before = (text) => composer.write(composer.text ? `${text}\n${composer.text}` : text);

const composer = new Composer(conversation, { submit, halt: () => sendMessage({ do: "stop", turn: transcript.getRunning()?.id }) });
const queue = new Queue(() => (temporary ? "" : conversation()), { edit: before, refuse: (words, text) => composer.refuse(words, text) });

const received = {
  ...retraction,
  accepted({ client_id, turn, conversation: id, question: asking }) {
    const mine = asked.get(client_id);
    if (!mine) return;
    asked.delete(client_id);
    for (const kind of ["sending", "draft", "attaching", "files"]) storeDraft(kind, conversation(), "");
    chat.dataset.conversation = id; // what is typed and queued is kept under its name from now on
    composer.changed();
    queue.flush();
    transcript.acceptPending(mine.article, turn, asking).sibling = mine.former.length > 0;
    if (mine.beside) compared.set(turn, mine.beside);
    if (mine.other) storeDueAnswer(id, turn, mine.other);
    conversationStarted(id, turn);
  },
  refused({ client_id, text }) {
    const mine = asked.get(client_id);
    asked.delete(client_id);
    storeDraft("sending", conversation(), "");
    if (mine) transcript.removePending(mine.article, mine.former);
    composer.refuse(text, mine?.former.length ? "" : mine?.text);
    settled();
  },
  async unknown({ turn }) {
    if (temporary) endTemporary(composer, turn);
    else if (transcript.getTurn(turn)) await transcript.reloadTurn(turn);
    settled();
  },
  gone: () => endTemporary(composer, transcript.getRunning()?.id),
  hint: coalesce(async () => {
    const here = conversation();
    await Promise.all([refreshConversations(), queue.refresh()]);
    if (!here || here !== conversation() || busy() || document.querySelector(".edit")) return;
    if ((isLive(here) || transcript.lacksTurn()) && (await transcript.reloadAll())) resume();
  }),
};

function resume() {
  const turn = transcript.getRunning();
  if (turn) sendMessage({ do: "resume", turn: turn.id, after: turn.seen });
  settled();
}

openSocket({
  state: showConnection,
  opened: () => resume(resumeTemporary(), catchUp(conversation())),
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
  rephrase: (_, text) => composer.write(text),
  widen: (_, text) => submit(text, clearSelection()),
  unfilter: (_, text) => submit(text, filters.clearFilters()),
};

// Another model, or another assistant with the model that it has, answers once more.
function compare({ compareModel: model = null, compareAssistant: assistant = null }) {
  document.getElementById("compare-with").close();
  if (busy()) return composer.refuse(BUSY);
  answerTwice(meant, { model, assistant });
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
  if (event.target.closest('[data-opens="compare-with"]')) meant = event.target.closest("[data-turn]");
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
  const beside = compared.get(target.dataset.turn);
  if (beside && target.dataset.status === "complete") return location.assign(`/answers/${target.dataset.turn}/compare/?with=${beside}`);
  if (!temporary && transcript.getTurn(target.dataset.turn)?.sibling) transcript.refreshTurn(target);
  settled();
  answerSecond(target);
});

transcript.followRunning();
// What was under way when the page was left, and had not been taken by the server.
const left = readDraft("sending", conversation());
storeDraft("sending", conversation(), "");
for (const text of [left, takeSharedText(chat)]) if (text) before(text);
settled();
if (!busy()) answerSecond(document.getElementById(`turn-${transcript.getLastId()}`));
chat.dataset.ready = "";
