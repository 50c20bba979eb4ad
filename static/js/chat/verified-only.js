// Answers of weak models show verified sentences only: an element for their text, and a line that says what is being checked.
const part = (article) => article.querySelector('[data-part="text"]');
const line = (article) => article.querySelector("[data-checking]");

// The element that holds the text of the model.
export const getTextElement = (article) => part(article).querySelector(':scope > [data-shows="verified"]') ?? part(article);
export const hidesUnverified = (article) => getTextElement(article) !== part(article);

// Remove what the answer showed, which is not verified yet.
export function hideUnverified(article, words) {
  if (!hidesUnverified(article)) {
    part(article).replaceChildren(document.createElement("div"));
    part(article).firstChild.dataset.shows = "verified";
  }
  line(article).textContent = words;
  line(article).hidden = false;
}

export function endChecking(article) {
  line(article).hidden = true;
}
