// Follow-ups wait on the server for the running answer to end: shown above the field, to be sent now, edited or deleted.
import { restorePictures } from "./composer/attachments.js";
import { storeDraft } from "./drafts.js";
import { headers } from "../net/headers.js";
import { fragment, morph } from "../lib/morph.js";
import { request } from "../net/socket.js";
import { coalesce } from "../lib/coalesce.js";
import { gettext } from "../lib/i18n.js";

const AWAY = gettext("The server cannot be reached. Your text is still here.");
const list = document.querySelector("[data-queue]");
const field = document.querySelector("[data-composer] textarea");
const buttons = () => [...list.querySelectorAll("button")];

export class Queue {
  constructor(conversation, { edit, refuse }) {
    Object.assign(this, { conversation, edit, refuse, early: [], position: null, lost: new Map() });
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
    const reply = await request({ ...message, do: "queue", client_id, position: this.position });
    if (reply?.type !== "queued") this.refuse(reply?.text ?? AWAY, message.text);
    if (reply) this.lost.delete(message.text);
    else this.lost.set(message.text, client_id);
    if (reply?.type === "queued") {
      this.position = null;
      storeDraft("attaching", this.conversation(), "");
    }
    await this.refresh();
  }

  async flush() {
    for (const message of this.early.splice(0)) await this.put({ ...message, conversation: this.conversation() });
  }

  async do(verb, queued) {
    const reply = await request({ do: verb === "now" ? "queue_now" : "unqueue", queued });
    if (!reply || reply.type === "refused") this.refuse(reply?.text ?? AWAY, "");
    else if (verb === "edit") {
      this.position = reply.position; // reworded, it goes back to where it was
      restorePictures(reply.attached);
      this.edit(reply.text);
    }
    await this.refresh();
  }

  refresh = coalesce(async () => {
    const answer = this.conversation() && (await fetch(`/c/${this.conversation()}/queue/`, { headers }));
    if (!answer?.ok) return;
    const fresh = fragment(await answer.text()).querySelector("[data-queue]");
    const focused = document.activeElement;
    const at = buttons().indexOf(focused);
    list.hidden = fresh.hidden;
    morph(list, fresh);
    if (at >= 0 && !list.contains(focused)) (buttons()[at] ?? buttons().at(-1) ?? field).focus();
  });
}
