// A comparison or a page to print, watched for answers that are withheld. Where the page is no longer there, its
// conversation is opened instead.
import { watchPage } from "../net/watch.js";

const content = () => document.querySelector("[data-watched]");

watchPage({
  replace(page) {
    if (!page) return location.replace(`/c/${content().dataset.watched}/`);
    document.title = page.title;
    content().replaceWith(page.querySelector("[data-watched]"));
  },
  received({ type, conversation }) {
    if (type === "picture") return true;
    if (!["retracted", "released"].includes(type) || conversation !== content().dataset.watched) return false;
    if (type === "retracted") content().replaceChildren();
    return true;
  },
});
