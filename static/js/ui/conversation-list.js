// The sidebar's list of conversations, asked for again when something in one of them has begun or ended.
const list = () => document.getElementById("conversation-list");

let running = null;

export function refreshConversations() {
  running ??= fetchList().finally(() => (running = null));
  return running;
}

// As much of each part as is here.
const countShown = () => Object.fromEntries([...list().querySelectorAll("[data-list-of]")].map((part) => [part.dataset.listOf, part.querySelectorAll("[data-conversation]").length]));

const entries = () => [...list().querySelectorAll("li:has([data-conversation])")];
const idOf = (entry) => entry.querySelector("[data-conversation]").dataset.conversation;

// The focus stays on its conversation, or on that which takes its place: in a folder that is closed, on the folder.
function keepFocus() {
  const at = document.activeElement;
  const entry = list().contains(at) ? at.closest("li:has([data-conversation])") : null;
  if (!entry) return () => {};
  const [id, index, inMenu] = [idOf(entry), entries().indexOf(entry), at.matches("[data-entry-menu]")];
  return () => {
    const successor = entries().find((one) => idOf(one) === id) ?? entries()[Math.min(index, entries().length - 1)];
    const folded = successor?.closest("details:not([open])")?.querySelector("summary");
    (folded ?? successor?.querySelector(inMenu ? "[data-entry-menu]" : "[data-conversation]"))?.focus({ preventScroll: true });
  };
}

async function fetchList() {
  const refocus = keepFocus();
  const top = list().scrollTop;
  await htmx.ajax("GET", "/conversations/", { target: "#conversation-list", swap: "outerHTML", values: countShown() });
  list().scrollTop = top;
  refocus();
  for (const link of document.querySelectorAll(".place[aria-current]")) {
    if (link.pathname !== location.pathname) link.removeAttribute("aria-current");
  }
  for (const link of list().querySelectorAll("[data-conversation]")) {
    if (link.pathname !== location.pathname) continue;
    link.setAttribute("aria-current", "page");
    link.querySelector("[data-unread]")?.remove();
    const title = link.querySelector(".title").textContent;
    document.querySelector("[data-title]").textContent = title;
    document.title = `${title} · Openbook`;
  }
}

export const isLive = (conversation) => Boolean(list().querySelector(`[data-conversation="${CSS.escape(conversation)}"] [data-live]`));
