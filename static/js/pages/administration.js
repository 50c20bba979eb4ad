// The styles of the administration know a dark page by a class. It is dark as the other pages are: by what was chosen
// there (theme.js, loaded before), or by the system. Runs before the first paint; not a module for that reason.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  function show() {
    const chosen = root.dataset.theme;
    root.classList.toggle("dark", chosen ? chosen === "dark" : system.matches);
  }

  show();
  system.addEventListener("change", show);
  new MutationObserver(show).observe(root, { attributeFilter: ["data-theme"] });
})();
