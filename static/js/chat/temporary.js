// A temporary chat: it lives on the server as long as this page does, and has no address to come back to.
import { fixAssistant } from "./composer/assistants.js";
import { getSampling } from "./composer/sampling.js";
import { getFilters } from "./composer/filters.js";
import { getModel } from "./composer/models.js";
import { buildQuestion } from "./ask.js";
import { refreshConversations } from "../ui/conversation-list.js";
import { sendMessage } from "../net/socket.js";
import { markLost } from "./transcript.js";
import { gettext } from "../lib/i18n.js";

const chat = document.querySelector("[data-chat]");
const GONE = gettext("This temporary chat has ended on the server. Your next question starts a new one that does not know the messages above.");

export const temporary = "temporary" in chat.dataset;
export const WAIT_FOR_ANSWER = gettext("Wait for the answer, or stop it. Temporary chats do not queue questions.");

// The first question was taken: the address of the page is that of its conversation; of a temporary one it leads to
// words that say that it is gone.
export function conversationStarted(id, turn) {
  fixAssistant();
  document.querySelector("[data-temporary-switch]")?.setAttribute("hidden", "");
  if (temporary) return history.replaceState(null, "", `/temporary/${id}/`);
  document.querySelector("[data-conversation-menu]").hidden = false;
  // A page that had turned to a branch of its own stays on it, also after a reload.
  history.replaceState(null, "", `/c/${id}/${location.search ? `?at=${turn}` : ""}`);
  return refreshConversations();
}

// The same question again, or to the model alone. What is nowhere kept is asked anew, in the place of the former one.
const anew = ({ dataset }, text) => ({ ...buildQuestion(text), after: null, reworded_question: dataset.questionId });

export const buildRetry = (article, text) =>
  temporary ? anew(article, text) : { do: "retry", turn: article.dataset.turn, sampling: getSampling(), model: getModel(), filters: getFilters() };

export const buildUndocumented = (article, text) =>
  temporary ? { ...anew(article, text), without_documents: true } : { do: "answer_without_documents", turn: article.dataset.turn };

export const buildModelWritten = (article, text) =>
  temporary ? { ...anew(article, text), model_writes: true } : { ...buildRetry(article, text), do: "let_model_write" };

// After a lost line, before anything else: the chat belongs to this page's new line.
export function resumeTemporary() {
  if (temporary && chat.dataset.conversation) sendMessage({ do: "stay", conversation: chat.dataset.conversation });
}

export function endTemporary(composer, turn) {
  if (turn) markLost(turn);
  chat.dataset.conversation = "";
  composer.refuse(GONE, "");
}
