// The page of a link, watched for answers and pictures that are withheld.
import { sendMessage } from "../net/socket.js";
import { removePicture, watchPage } from "../net/watch.js";

watchPage({
  replace(page) {
    for (const part of page ? ["[data-shared]", ".chat-title", "title"] : []) document.querySelector(part).replaceWith(page.querySelector(part));
  },
  opened: () => sendMessage({ do: "watch", secret: document.querySelector("[data-shared]").dataset.shared }),
  received({ type, turn, picture, held }) {
    if (type === "picture") {
      if (held) removePicture(picture);
      return true;
    }
    const article = turn && document.querySelector(`[data-shown="${CSS.escape(turn)}"]`);
    if (!article || !["retracted", "released"].includes(type)) return false;
    if (type === "retracted") article.replaceChildren();
    return true;
  },
});
