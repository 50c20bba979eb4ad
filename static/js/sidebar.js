// The sidebar is a drawer on narrow screens, and its list can be filtered by title.
const sidebar = document.getElementById("sidebar");
const opener = document.querySelector("[data-drawer]");
const centre = document.querySelector(".centre");
let scrim = null;

function show(open) {
  sidebar.classList.toggle("open", open);
  opener.setAttribute("aria-expanded", String(open));
  centre.inert = open; // the focus stays in the drawer
  if (open) {
    scrim = document.createElement("div");
    scrim.className = "scrim";
    scrim.addEventListener("click", () => show(false));
    document.body.append(scrim);
    sidebar.querySelector("a, button").focus();
  } else {
    scrim?.remove();
    scrim = null;
    opener.focus();
  }
}

function filter(input) {
  const wanted = input.value.trim().toLocaleLowerCase();
  const list = document.getElementById(input.dataset.filter);
  let shown = 0;
  for (const link of list.querySelectorAll("[data-conversation]")) {
    const match = link.textContent.toLocaleLowerCase().includes(wanted);
    link.parentElement.hidden = !match;
    shown += match;
  }
  list.querySelector("[data-no-match]").hidden = shown > 0 || !wanted;
}

const closed = () => {
  try {
    return new Set(JSON.parse(localStorage.getItem("closed-folders") ?? "[]"));
  } catch {
    return new Set(); // storage may be forbidden
  }
};

// Folders stay as they were left.
function remember(folder) {
  const names = closed();
  folder.open ? names.delete(folder.dataset.drawerName) : names.add(folder.dataset.drawerName);
  try {
    localStorage.setItem("closed-folders", JSON.stringify([...names]));
  } catch {
    // see above
  }
}

function arrange() {
  const names = closed();
  for (const folder of sidebar.querySelectorAll("[data-drawer-name]")) folder.open = !names.has(folder.dataset.drawerName);
}

if (sidebar) {
  opener.addEventListener("click", () => show(!sidebar.classList.contains("open")));
  sidebar.addEventListener("input", (event) => event.target.dataset.filter && filter(event.target));
  sidebar.addEventListener("toggle", ({ target }) => target.matches("[data-drawer-name]") && remember(target), true);
  document.addEventListener("htmx:afterSwap", arrange);
  arrange();
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && scrim) show(false);
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    if (!scrim && opener.checkVisibility()) show(true);
    sidebar.querySelector("[data-filter]").select();
  });
  matchMedia("(min-width: 56rem)").addEventListener("change", () => scrim && show(false));
}
