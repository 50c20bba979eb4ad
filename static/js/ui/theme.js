// Runs before the first paint, so that a chosen theme or a hidden sidebar never flashes; not a module for that reason.
(() => {
  const root = document.documentElement;
  const chosen = () => {
    try {
      return localStorage.getItem("theme") ?? "";
    } catch {
      return ""; // storage may be forbidden: the system's choice is then the only one
    }
  };

  function show() {
    const theme = chosen();
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === theme));
    }
  }

  try {
    if (localStorage.getItem("sidebar") === "hidden") root.dataset.sidebar = "hidden";
  } catch {
    // see above
  }
  show();
  document.addEventListener("DOMContentLoaded", show);
  addEventListener("storage", show);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    try {
      localStorage.setItem("theme", button.dataset.themeChoice);
    } catch {
      root.dataset.theme = button.dataset.themeChoice;
      return;
    }
    show();
  });
})();
