// What was typed and not yet taken by the server survives a reload, a conversation at a time, for the person who typed it.
const { person, temporary } = document.querySelector("[data-chat]").dataset; // the next one at this browser is another
const key = (kind, conversation) => `${kind}:${person}:${conversation || "new"}`;

export function recall(kind, conversation) {
  if (temporary !== undefined) return "";
  try {
    return localStorage.getItem(key(kind, conversation)) ?? "";
  } catch {
    return ""; // storage may be forbidden: the text then lives as long as the page
  }
}

export function keep(kind, conversation, text) {
  if (temporary !== undefined) return; // nothing of such a chat is kept, here neither
  try {
    if (text) localStorage.setItem(key(kind, conversation), text);
    else localStorage.removeItem(key(kind, conversation));
  } catch {
    // see above, or the storage is full
  }
}

// What another app shared with the installed one: once, also where the page is loaded again.
export function takeShared(chat) {
  if (chat.dataset.shared || "sharedFiles" in chat.dataset) history.replaceState(null, "", location.pathname);
  return chat.dataset.shared;
}
