// A line among the messages of the page, with one button: what was done, and how to undo or dismiss it.
const messages = document.querySelector(".messages");

export function addToast(content, label, act = () => {}) {
  const line = Object.assign(document.createElement("div"), { className: "notice" });
  const words = document.createElement("p");
  words.append(content);
  const button = Object.assign(document.createElement("button"), { type: "button", className: "undo", textContent: label });
  button.addEventListener("click", () => {
    line.remove();
    act();
  });
  line.append(words, button);
  messages.append(line);
}

export const clearToasts = () => messages.replaceChildren();
