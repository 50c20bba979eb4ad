// Of some models only verified sentences are to be seen: a place for their words, and a line that says what is waited for.
const part = (article) => article.querySelector('[data-part="text"]');
const line = (article) => article.querySelector("[data-checking]");

// Where the words of the model stand.
export const textOf = (article) => part(article).querySelector(':scope > [data-shows="verified"]') ?? part(article);
export const folds = (article) => textOf(article) !== part(article);

// What the answer showed is not verified yet, and goes.
export function fold(article, words) {
  if (!folds(article)) {
    part(article).replaceChildren(document.createElement("div"));
    part(article).firstChild.dataset.shows = "verified";
  }
  line(article).textContent = words;
  line(article).hidden = false;
}

export function over(article) {
  line(article).hidden = true;
}
