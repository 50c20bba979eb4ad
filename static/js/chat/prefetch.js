// On a pause in the composer the server is told what is being asked, and does ahead what an answer would need.
import { picture } from "./composer/picture.js";
import { question } from "./ask.js";
import { newId, tell } from "../net/socket.js";
import { running } from "./transcript.js";

const PAUSE_MS = 350;
const LEAST = 12; // characters: less is no question yet
const form = document.querySelector("[data-composer]");
const field = form.querySelector("textarea");
let timer = 0;
let told = false;

const say = (text) => tell({ ...question(text), do: "typing", client_id: newId() });

function paused() {
  const text = field.value.trim();
  if (text.length >= LEAST && !picture(text) && !running() && !document.hidden) told = say(text);
}

function changed() {
  clearTimeout(timer);
  if (told) told = !say("");
  timer = setTimeout(paused, PAUSE_MS);
}

if ("warm" in form.dataset) {
  field.addEventListener("input", changed);
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    told = false;
  });
}
