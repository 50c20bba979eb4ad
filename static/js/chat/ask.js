// What is asked, as the page has it now: where to search, who answers, which model writes and how, what it follows.
import { attached } from "./composer/attachments.js";
import { files } from "./composer/files.js";
import { scope } from "./composer/collections.js";
import { drawing } from "./composer/sampling.js";
import { filters } from "./composer/filters.js";
import { model } from "./composer/models.js";
import { picture } from "./composer/picture.js";
import { last } from "./transcript.js";

const { dataset } = document.querySelector("[data-chat]");

export const question = (text) => {
  const asked = picture(text);
  return {
    do: "ask", conversation: dataset.conversation || null, text, collections: scope(), filters: filters(), model: model(),
    without_documents: false, assistant: dataset.assistant || null, sampling: drawing(), after: last(), picture: asked,
    attached: asked?.how && asked.how !== "attached" ? [] : attached(text), // what is made of a drawn one begins with that
    files: files(),
    temporary: "temporary" in dataset,
  };
};
