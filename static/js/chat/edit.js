// A question is edited where it stands: Save changes its words, Update and rerun asks it anew, beside the old one.
import { request } from "../net/socket.js";
import * as transcript from "./transcript.js";
import { gettext } from "../lib/i18n.js";

const template = document.querySelector("[data-edit-form]");

function open(article) {
  const form = template.content.cloneNode(true).firstElementChild;
  const field = form.querySelector("textarea");
  field.value = article.querySelector("[data-question]").dataset.text;
  article.classList.add("editing");
  article.querySelector("[data-question]").after(form);
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
}

function close(article) {
  article.querySelector(".edit").remove();
  article.classList.remove("editing");
  article.querySelector("[data-edit]").focus();
}

function refuse(form, words) {
  const line = form.querySelector("[data-edit-error]");
  line.textContent = words;
  line.hidden = false;
}

async function save(article, form) {
  const text = form.elements.text.value.trim();
  const reply = await request({ do: "reword", question: article.dataset.questionId, text });
  if (!reply) return refuse(form, gettext("The server cannot be reached. Your text is still here."));
  if (reply.type === "refused") return refuse(form, reply.text);
  close(article);
  await transcript.refreshTurn(article);
}

// Whoever asks questions hears of it, and says no while an answer runs.
function rerun(article, form) {
  const text = form.elements.text.value.trim();
  if (!text) return refuse(form, gettext("Write a question first."));
  const isAccepted = article.dispatchEvent(new CustomEvent("question:rerun", { bubbles: true, cancelable: true, detail: { text } }));
  if (!isAccepted) refuse(form, gettext("An answer is still being written. Wait for it, or stop it."));
}

document.addEventListener("click", (event) => {
  const article = event.target.closest("[data-turn]");
  if (!article) return;
  if (event.target.closest("[data-edit]")) open(article);
  if (event.target.closest("[data-cancel]")) close(article);
  if (event.target.closest("[data-save]")) save(article, event.target.closest(".edit"));
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches(".edit")) return;
  event.preventDefault();
  rerun(event.target.closest("[data-turn]"), event.target);
});

document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.(".edit");
  if (!form) return;
  if (event.key === "Escape") {
    event.preventDefault();
    close(form.closest("[data-turn]"));
  } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target.matches("textarea")) {
    event.preventDefault();
    form.requestSubmit();
  }
});
