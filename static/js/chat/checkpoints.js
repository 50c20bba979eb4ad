// Positions in the HTML of a growing block from which parsing can resume: behind each closing tag, with the tags that are
// open there, and the number of nodes in each of them so far, the open one among them.
const TOKEN = /<(\/?)([a-z][a-z0-9]*)(?:"[^"]*"|[^">])*>|[^<]+/g;
const VOID = new Set(["br", "hr"]);
const ONE_NODE = 60_000; // characters of text; a browser makes several nodes of a longer one

export class Checkpoints {
  list = [{ at: 0, open: [], counts: [0] }];

  // Drop the checkpoints beyond this length of the text. Return the last one that remains.
  rewind(length) {
    while (this.list.at(-1).at > length) this.list.pop();
    return this.list.at(-1);
  }

  // Add the checkpoints behind the last one.
  read(html) {
    let { at, open, counts } = this.list.at(-1);
    [open, counts] = [[...open], [...counts]];
    TOKEN.lastIndex = at;
    for (let token = TOKEN.exec(html); token; token = TOKEN.exec(html)) {
      const [text, closing, name] = token;
      if (!name && text.length > ONE_NODE) return;
      if (!closing) counts[counts.length - 1] += 1;
      if (closing) {
        open.pop();
        counts.pop();
        at = token.index + text.length;
        this.list.push({ at, open: [...open], counts: [...counts] });
      } else if (name && !VOID.has(name)) {
        open.push(text);
        counts.push(0);
      }
    }
  }
}
