// On a pause in the composer the server is told what is being asked, and does ahead what an answer would need.
import { getPictureOptions } from "./composer/picture.js";
import { buildQuestion } from "./ask.js";
import { newId, sendMessage } from "../net/socket.js";
import { getRunning } from "./transcript.js";

const PAUSE_MS = 350;
const LEAST = 12; // characters: less is no question yet
const form = document.querySelector("[data-composer]");
const field = form.querySelector("textarea");
let timer = 0;
let announced = false;

const sendTyping = (text) => sendMessage({ ...buildQuestion(text), do: "typing", client_id: newId() });

function prefetch() {
  const text = field.value.trim();
  if (text.length >= LEAST && !getPictureOptions(text) && !getRunning() && !document.hidden) announced = sendTyping(text);
}

function handleInput() {
  clearTimeout(timer);
  if (announced) announced = !sendTyping("");
  timer = setTimeout(prefetch, PAUSE_MS);
}

if ("warm" in form.dataset) {
  field.addEventListener("input", handleInput);
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    announced = false;
  });
}
