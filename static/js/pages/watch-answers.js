// A comparison or a page to print, watched for answers that are withheld. Where the page is no longer there, its
// conversation is opened instead.
import { watchPage } from "../net/watch.js";

const content = () => document.querySelector("[data-standing]");

watchPage({
  replace(page) {
    if (!page) return location.replace(`/c/${content().dataset.standing}/`);
    document.title = page.title;
    content().replaceWith(page.querySelector("[data-standing]"));
  },
  received({ type, conversation }) {
    if (type === "picture") return true;
    if (!["retracted", "released"].includes(type) || conversation !== content().dataset.standing) return false;
    if (type === "retracted") content().replaceChildren();
    return true;
  },
});
