// Creates a passkey, or signs in with one: forms `data-passkey="create"` and `data-passkey="get"`. The browser's answer goes
// into their field `credential`. The options are in `#passkey-options`, or come from the form's address.
import { gettext } from "../lib/i18n.js";

function toBytes(text) {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function toText(buffer) {
  const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const withBytes = (list = []) => list.map((one) => ({ ...one, id: toBytes(one.id) }));

function readOptions({ publicKey }) {
  const options = { ...publicKey, challenge: toBytes(publicKey.challenge) };
  if (options.user) options.user = { ...options.user, id: toBytes(options.user.id) };
  if (options.excludeCredentials) options.excludeCredentials = withBytes(options.excludeCredentials);
  if (options.allowCredentials) options.allowCredentials = withBytes(options.allowCredentials);
  return { publicKey: options };
}

function writeCredential(credential) {
  const { response } = credential;
  const names = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const parts = names.filter((name) => response[name]).map((name) => [name, toText(response[name])]);
  return JSON.stringify({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? null,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: Object.fromEntries(parts),
  });
}

async function fetchOptions(form) {
  const stored = document.getElementById("passkey-options");
  if (stored) return JSON.parse(stored.textContent);
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error("The server sent no options.");
  return (await answer.json()).request_options;
}

function explain(error) {
  if (error.name === "InvalidStateError") return gettext("This device has a passkey for your account already.");
  return gettext("The passkey was not used. Try again.");
}

async function answerForm(form) {
  const note = form.querySelector("[data-passkey-error]");
  note.hidden = true;
  try {
    const options = readOptions(await fetchOptions(form));
    const creates = form.dataset.passkey === "create";
    const credential = await (creates ? navigator.credentials.create(options) : navigator.credentials.get(options));
    form.elements.credential.value = writeCredential(credential);
    form.submit();
  } catch (error) {
    note.textContent = explain(error);
    note.hidden = false;
  }
}

for (const form of document.querySelectorAll("[data-passkey]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    answerForm(form);
  });
  if (!window.PublicKeyCredential) {
    form.querySelector("[data-passkey-error]").textContent = gettext("This browser cannot use passkeys here.");
    form.querySelector("[data-passkey-error]").hidden = false;
  }
}
