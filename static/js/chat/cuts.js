// Where the HTML of a block that grows can be cut, so that only what follows is read again: behind each closing tag, with
// the tags that are open there, and how many nodes stand in each of them so far, the open one among them.
const TOKEN = /<(\/?)([a-z][a-z0-9]*)(?:"[^"]*"|[^">])*>|[^<]+/g;
const VOID = new Set(["br", "hr"]);
const ONE_NODE = 60_000; // characters of text; a browser makes several nodes of a longer one

export class Cuts {
  list = [{ at: 0, open: [], counts: [0] }];

  // The last cut in what stays of the text; those behind it are forgotten.
  keep(length) {
    while (this.list.at(-1).at > length) this.list.pop();
    return this.list.at(-1);
  }

  // Finds the cuts of what follows the last one.
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
