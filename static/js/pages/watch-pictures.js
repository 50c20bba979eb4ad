// The pages of pictures, watched for pictures that are withheld.
import { removePicture, watchPage } from "../net/watch.js";

watchPage({
  replace(page) {
    for (const part of ["#tiles", ".shown"]) {
      const [here, there] = [document.querySelector(part), page?.querySelector(part)];
      if (!here || !there) continue;
      here.replaceWith(there);
      htmx.process(there);
    }
  },
  received({ type, picture, held }) {
    if (type !== "picture") return false;
    if (held) removePicture(picture);
    return true;
  },
});
