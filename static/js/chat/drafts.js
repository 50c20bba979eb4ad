// Drafts: what was typed and not yet taken by the server survives a reload, by user and conversation.
import { readStored, store } from "../lib/storage.js";

const { person, temporary } = document.querySelector("[data-chat]").dataset; // the next one at this browser is another
const key = (kind, conversation) => `${kind}:${person}:${conversation || "new"}`;

export function readDraft(kind, conversation) {
  return (temporary === undefined && readStored(key(kind, conversation))) || "";
}

export function storeDraft(kind, conversation, text) {
  if (temporary === undefined) store(key(kind, conversation), text); // nothing of a temporary chat is stored
}

// What another app shared with the installed one: once, also where the page is loaded again.
export function takeSharedText(chat) {
  if (chat.dataset.shared || "sharedFiles" in chat.dataset) history.replaceState(null, "", location.pathname);
  return chat.dataset.shared;
}
