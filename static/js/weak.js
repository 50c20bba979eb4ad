// An answer of whose statements more than half have no source says so at its top.
function judge(article) {
  const line = article.querySelector("[data-weak]");
  if (!line) return;
  const without = new Set([...article.querySelectorAll(".unsupported[data-sentence]")].map((part) => part.dataset.sentence));
  const sourced = article.querySelectorAll('[data-part="text"] .pills[data-sentence]:has(.pill)').length;
  line.hidden = article.dataset.status === "writing" || without.size <= sourced;
}

const judgeAll = () => document.querySelectorAll("[data-turn]").forEach(judge);

document.addEventListener("turn:closed", ({ target }) => judge(target));
document.addEventListener("htmx:afterSwap", judgeAll);
judgeAll();
