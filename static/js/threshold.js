// The threshold page: the slider moves the line of the chart and says what that level finds. Without this script a button asks the server.
const form = document.querySelector("[data-threshold]");
const slider = form?.elements.at;
const line = document.querySelector("[data-level]");
const axis = document.querySelector(".cuts .axis");

function show() {
  const level = Number(slider.value).toFixed(2);
  const left = Number(axis.getAttribute("x1"));
  const x = left + Number(level) * (Number(axis.getAttribute("x2")) - left);
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
  const row = document.querySelector(`[data-cut="${level}"]`);
  const words = document.querySelector(`[data-words="${level}"]`);
  form.querySelector("[data-shown]").textContent = row.firstElementChild.textContent;
  document.querySelector("[data-found]").textContent = words.textContent;
  const copy = document.querySelector("[data-copy]");
  if (copy) copy.value = level;
}

if (form) {
  form.querySelector("[data-look]").hidden = true;
  slider.addEventListener("input", show);
}
