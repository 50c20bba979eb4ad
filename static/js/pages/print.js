// A page for paper, on which nothing is folded.
for (const more of document.querySelectorAll(".more-quotes")) more.open = true;
document.querySelector("[data-print]").addEventListener("click", () => print());
