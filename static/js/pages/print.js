// A page for paper.
document.querySelector("[data-print]").addEventListener("click", () => print());
