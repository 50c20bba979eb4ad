// A temporary chat: it lives on the server as long as this page does, and has no address to come back to.
import { fixAssistant } from "./composer/assistants.js";
import { drawing } from "./composer/sampling.js";
import { filters } from "./composer/filters.js";
import { model } from "./composer/models.js";
import { question } from "./ask.js";
import { refresh } from "../ui/conversation-list.js";
import { tell } from "../net/socket.js";
import { lose } from "./transcript.js";
import { gettext } from "../lib/i18n.js";

const chat = document.querySelector("[data-chat]");
const GONE = gettext("This temporary chat has ended on the server. Your next question starts a new one that does not know the messages above.");

export const temporary = "temporary" in chat.dataset;
export const WAIT = gettext("Wait for the answer, or stop it. Temporary chats do not queue questions.");

// The first question was taken: the address of the page is that of its conversation; of a temporary one it leads to
// words that say that it is gone.
export function begun(id, turn) {
  fixAssistant();
  document.querySelector("[data-temporary-switch]")?.setAttribute("hidden", "");
  if (temporary) return history.replaceState(null, "", `/temporary/${id}/`);
  document.querySelector("[data-conversation-menu]").hidden = false;
  // A page that had turned to a branch of its own stays on it, also after a reload.
  history.replaceState(null, "", `/c/${id}/${location.search ? `?at=${turn}` : ""}`);
  return refresh();
}

// The same question again, or to the model alone. What is nowhere kept is asked anew, in the place of the former one.
const anew = ({ dataset }, text) => ({ ...question(text), after: null, reworded_question: dataset.questionId });

export const again = (article, text) =>
  temporary ? anew(article, text) : { do: "retry", turn: article.dataset.turn, sampling: drawing(), model: model(), filters: filters() };

export const undocumented = (article, text) =>
  temporary ? { ...anew(article, text), without_documents: true } : { do: "answer_without_documents", turn: article.dataset.turn };

// After a lost line, before anything else: the chat belongs to this page's new line.
export function stay() {
  if (temporary && chat.dataset.conversation) tell({ do: "stay", conversation: chat.dataset.conversation });
}

export function gone(composer, turn) {
  if (turn) lose(turn);
  chat.dataset.conversation = "";
  composer.refuse(GONE, "");
}
