// What a reviewer withheld leaves the page at once, whatever had been shown of it; given back, it is fetched again.
import { clearAnnouncements, announce } from "../ui/announce.js";
import { closePanel } from "../ui/panel.js";
import { sendMessage } from "../net/socket.js";
import { temporary } from "./temporary.js";
import * as transcript from "./transcript.js";
import { removePicture } from "../net/watch.js";
import { gettext } from "../lib/i18n.js";

const PARTS = ["seen", "nothing", "quotes", "tools", "text", "pictures", "sources", "thoughts"];
const article = (id) => document.getElementById(`turn-${id}`);
const marked = () => [...document.querySelectorAll("[data-turn][data-retracted]")];

function withhold({ turn, reason, question }) {
  transcript.stopFollowing(turn);
  const turnElement = article(turn);
  if (!turnElement) return;
  for (const name of PARTS) turnElement.querySelector(`[data-part="${name}"]`)?.replaceChildren();
  for (const part of turnElement.querySelectorAll("[data-steps], [data-thoughts], [data-waiting], [data-weak]")) part.hidden = true;
  if (question) withholdQuestion(turnElement);
  const end = document.querySelector('[data-ending="retracted"]').content.cloneNode(true);
  end.querySelector("[data-reason]").textContent = reason;
  end.querySelector('[data-do="retry"]').hidden = question;
  turnElement.querySelector('[data-part="end"]').replaceChildren(end);
  turnElement.dataset.status = "withheld";
  turnElement.dataset.retracted = "";
  closePanel();
  clearAnnouncements();
  announce(reason);
  turnElement.dispatchEvent(new CustomEvent("turn:retracted", { bubbles: true }));
  turnElement.dispatchEvent(new CustomEvent("turn:closed", { bubbles: true }));
  transcript.refreshTurn(turnElement); // what else the server says of it now
}

function withholdQuestion(turnElement) {
  const question = turnElement.querySelector("[data-question]");
  question.dataset.text = "";
  question.textContent = gettext("A reviewer withheld this question.");
  turnElement.querySelector('[data-part="attached"]')?.replaceChildren();
  turnElement.querySelector(".edit")?.remove();
  turnElement.classList.remove("editing");
  turnElement.querySelector("[data-edit]").hidden = true;
}

async function release({ turn }) {
  if (!article(turn)) return;
  await transcript.reloadTurn(turn);
  announce(gettext("A withheld answer was released."));
}

// Pictures that are drawn stand in a part that is fetched by itself; those of a question go with their turn.
function refreshPictures(picture, held) {
  if (held) removePicture(picture);
  document.dispatchEvent(new CustomEvent("pictures:changed"));
  for (const part of document.querySelectorAll('[data-turn]:not([data-status="writing"]) [data-part="attached"]:not(:empty)')) transcript.refreshTurn(part.closest("[data-turn]"));
}

export const retraction = {
  picture: ({ picture, held }) => refreshPictures(picture, held),
  retracted: withhold,
  released: release,
  standing({ retracted }) {
    const withheld = new Set(retracted.map(({ turn }) => turn));
    for (const { dataset } of marked()) if (!withheld.has(dataset.turn)) release(dataset);
    for (const one of retracted) if (article(one.turn) && !("retracted" in article(one.turn).dataset)) withhold(one);
  },
};

let wasConnected = false;

// Called whenever the socket opens: events sent while it was closed were missed.
export function catchUp(conversation) {
  if (temporary || !conversation) return;
  sendMessage({ do: "look", conversation });
  if (wasConnected) refreshPictures();
  wasConnected = true;
}
