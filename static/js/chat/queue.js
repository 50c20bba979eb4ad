// Follow-ups wait on the server for the running answer to end: shown above the field, to be sent now, edited or deleted.
import { restore } from "./composer/attachments.js";
import { keep } from "./drafts.js";
import { headers } from "../net/headers.js";
import { fragment, morph } from "../lib/morph.js";
import { request } from "../net/socket.js";
import { together } from "../lib/once-more.js";
import { gettext, put } from "../lib/i18n.js";

const AWAY = gettext("The server cannot be reached. Your text is still here.");
const list = document.querySelector("[data-queue]");
const field = document.querySelector("[data-composer] textarea");
const buttons = () => [...list.querySelectorAll("button")];

export class Queue {
  constructor(conversation, { edit, refuse }) {
    Object.assign(this, { conversation, edit, refuse, early: [], place: null, lost: new Map() });
    list.addEventListener("click", ({ target }) => {
      const verb = target.closest("[data-queue-do]")?.dataset.queueDo;
      if (verb) this.do(verb, target.closest("[data-queued]").dataset.queued);
    });
  }

  // Before the server has taken the first question of a conversation there is nowhere to wait: it waits here.
  async put(message) {
    if (!message.conversation) return this.early.push(message);
    // What the line lost may have arrived: said again it has the same name, so that it waits once.
    const client_id = this.lost.get(message.text) ?? message.client_id;
    const said = await request({ ...message, do: "queue", client_id, position: this.place });
    if (said?.type !== "queued") this.refuse(said?.text ?? AWAY, message.text);
    if (said) this.lost.delete(message.text);
    else this.lost.set(message.text, client_id);
    if (said?.type === "queued") {
      this.place = null;
      keep("attaching", this.conversation(), "");
    }
    await this.refresh();
  }

  async flush() {
    for (const message of this.early.splice(0)) await this.put({ ...message, conversation: this.conversation() });
  }

  async do(verb, queued) {
    const said = await request({ do: verb === "now" ? "queue_now" : "unqueue", queued });
    if (!said || said.type === "refused") this.refuse(said?.text ?? AWAY, "");
    else if (verb === "edit") {
      this.place = said.position; // reworded, it goes back to where it was
      restore(said.attached);
      this.edit(said.text);
    }
    await this.refresh();
  }

  refresh = together(async () => {
    const answer = this.conversation() && (await fetch(`/c/${this.conversation()}/queue/`, { headers }));
    if (!answer?.ok) return;
    const wanted = fragment(await answer.text()).querySelector("[data-queue]");
    const focused = document.activeElement;
    const at = buttons().indexOf(focused);
    list.hidden = wanted.hidden;
    morph(list, wanted);
    if (at >= 0 && !list.contains(focused)) (buttons()[at] ?? buttons().at(-1) ?? field).focus();
  });
}
