// The sidebar's list of conversations, asked for again when something in one of them has begun or ended.
const list = () => document.getElementById("conversation-list");

let running = null;

export function refresh() {
  running ??= fetchList().finally(() => (running = null));
  return running;
}

// As much of each part as is here.
const shown = () => Object.fromEntries([...list().querySelectorAll("[data-list-of]")].map((part) => [part.dataset.listOf, part.querySelectorAll("[data-conversation]").length]));

async function fetchList() {
  await htmx.ajax("GET", "/conversations/", { target: "#conversation-list", swap: "outerHTML", values: shown() });
  for (const place of document.querySelectorAll(".place[aria-current]")) {
    if (place.pathname !== location.pathname) place.removeAttribute("aria-current");
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
