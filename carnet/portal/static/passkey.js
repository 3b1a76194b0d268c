// SPDX-License-Identifier: EUPL-1.2
// Passkeys: the one thing of these pages a browser cannot do without a script. Each form it serves is hidden
// until it runs, and each page has another way in.
"use strict";

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

// What the server sent, with bytes where WebAuthn wants them.
function readied(asked) {
  const key = { ...asked.publicKey, challenge: bytes(asked.publicKey.challenge) };
  if (key.user) key.user = { ...key.user, id: bytes(key.user.id) };
  for (const name of ["excludeCredentials", "allowCredentials"]) {
    if (key[name]) key[name] = key[name].map((one) => ({ ...one, id: bytes(one.id) }));
  }
  return { publicKey: key };
}

// What the device answered, as text.
function told(found) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (found.response[name]) response[name] = text(found.response[name]);
  }
  if (found.response.getTransports) response.transports = found.response.getTransports();
  return {
    id: found.id, rawId: text(found.rawId), type: found.type, response,
    authenticatorAttachment: found.authenticatorAttachment,
    clientExtensionResults: found.getClientExtensionResults(),
  };
}

async function options(form) {
  if (!form.dataset.passkeyFrom) {
    return JSON.parse(form.dataset.passkeyOptions);
  }
  const headers = { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" };
  const answer = await fetch(form.dataset.passkeyFrom, { headers });
  if (!answer.ok) throw new Error("no options");
  return (await answer.json()).request_options;
}

async function prove(event) {
  const form = event.target;
  event.preventDefault();
  const wrong = form.querySelector("[data-passkey-wrong]");
  try {
    const asked = readied(await options(form));
    const create = form.dataset.passkey === "create";
    const found = await (create ? navigator.credentials.create(asked) : navigator.credentials.get(asked));
    form.elements.credential.value = JSON.stringify(told(found));
    form.submit();
  } catch (error) {
    if (wrong) wrong.hidden = false;
  }
}

if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", prove);
  }
}
