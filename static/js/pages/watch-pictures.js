// The pages of pictures, watched for pictures that are withheld.
import { removePicture, watchPage } from "../net/watch.js";

watchPage({
  replace(page) {
    for (const part of ["#tiles", ".shown"]) {
      const [current, fresh] = [document.querySelector(part), page?.querySelector(part)];
      if (!current || !fresh) continue;
      current.replaceWith(fresh);
      htmx.process(fresh);
    }
  },
  received({ type, picture, held }) {
    if (type !== "picture") return false;
    if (held) removePicture(picture);
    return true;
  },
});
