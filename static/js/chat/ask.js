// What is asked, as the page has it now: where to search, who answers, which model writes and how, what it follows.
import { takePictures } from "./composer/attachments.js";
import { getDraftFiles } from "./composer/files.js";
import { getScope } from "./composer/collections.js";
import { getSampling } from "./composer/sampling.js";
import { getFilters } from "./composer/filters.js";
import { getModel } from "./composer/models.js";
import { getPictureOptions } from "./composer/picture.js";
import { getLastId } from "./transcript.js";

const { dataset } = document.querySelector("[data-chat]");

export const buildQuestion = (text) => {
  const picture = getPictureOptions(text);
  return {
    do: "ask", conversation: dataset.conversation || null, text, collections: getScope(), filters: getFilters(), model: getModel(),
    without_documents: false, assistant: dataset.assistant || null, sampling: getSampling(), after: getLastId(), picture,
    attached: picture?.how && picture.how !== "attached" ? [] : takePictures(text), // what is made of a drawn one begins with that
    files: getDraftFiles(),
    temporary: "temporary" in dataset,
  };
};
