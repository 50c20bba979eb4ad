// The cards of tools that the model calls: each event brings a card whole; a call that asks is allowed or denied here.
import { announce } from "../ui/announce.js";
import { sendMessage } from "../net/socket.js";

export function placeCard(list, call, content) {
  const fresh = content.firstElementChild;
  const old = list.querySelector(`[data-call="${CSS.escape(call)}"]`);
  const hadFocus = old?.contains(document.activeElement);
  const open = old?.querySelector("details")?.open;
  if (old) old.replaceWith(fresh);
  else list.append(fresh);
  if (open) fresh.querySelector("details").open = true;
  if (hadFocus) fresh.querySelector("summary").focus({ preventScroll: true }); // the button that had the focus is gone
  if (!old || old.dataset.status !== fresh.dataset.status) announce(fresh.dataset.announcement);
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-decide]");
  if (!button || button.ariaDisabled === "true") return;
  const { call } = button.closest("[data-call]").dataset;
  const { turn } = button.closest("[data-turn]").dataset;
  if (!sendMessage({ do: "decide", turn, call, allow: button.dataset.decide === "allow" })) return;
  for (const other of button.parentElement.querySelectorAll("[data-decide]")) other.ariaDisabled = "true";
});
