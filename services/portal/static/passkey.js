// Passkeys: the browser signs a challenge. Without script the password and the one-time code do the same.
const API = "/api/v1/accounts";

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function post(path, body) {
  const answer = await fetch(API + path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!answer.ok) throw new Error((await answer.json()).code);
  return answer.json();
}

const known = (list) => (list || []).map((each) => ({ ...each, id: bytes(each.id) }));

async function signed() {
  const asked = await post("/sessions/passkey/options");
  const options = { ...asked.options, challenge: bytes(asked.options.challenge) };
  options.allowCredentials = known(asked.options.allowCredentials);
  const made = await navigator.credentials.get({ publicKey: options });
  const { clientDataJSON, authenticatorData, signature, userHandle } = made.response;
  const response = {
    clientDataJSON: text(clientDataJSON),
    authenticatorData: text(authenticatorData),
    signature: text(signature),
    userHandle: userHandle ? text(userHandle) : null,
  };
  const credential = { id: made.id, rawId: text(made.rawId), type: made.type, response };
  return { ticket: asked.ticket, credential };
}

async function add() {
  const asked = await post("/me/passkeys/options");
  const options = { ...asked.options, challenge: bytes(asked.options.challenge) };
  options.user = { ...options.user, id: bytes(options.user.id) };
  options.excludeCredentials = known(asked.options.excludeCredentials);
  const made = await navigator.credentials.create({ publicKey: options });
  const { clientDataJSON, attestationObject, getTransports } = made.response;
  const response = {
    clientDataJSON: text(clientDataJSON),
    attestationObject: text(attestationObject),
    transports: getTransports ? made.response.getTransports() : [],
  };
  const credential = { id: made.id, rawId: text(made.rawId), type: made.type, response };
  return post("/me/passkeys", { ticket: asked.ticket, credential });
}

// Codes that came with the first key are shown now and never again.
function show(codes) {
  const box = document.querySelector("[data-codes]");
  const list = box.querySelector("ul");
  for (const code of codes) {
    const line = list.appendChild(document.createElement("li"));
    line.appendChild(document.createElement("code")).textContent = code;
  }
  box.hidden = false;
  box.querySelector("h2").focus();
}

// What was asked for goes on by itself once it is proved who asks.
function goOn(then) {
  const act = document.getElementById("go-on");
  if (act) act.submit();
  else location.assign(then);
}

for (const box of document.querySelectorAll("[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  box.hidden = false;
  const wrong = box.querySelector(".wrong");
  box.querySelector("button").addEventListener("click", async () => {
    wrong.hidden = true;
    try {
      if (box.dataset.passkey === "add") {
        const made = await add();
        if (made.recovery_codes) show(made.recovery_codes);
        else location.assign("/compte/securite");
      } else if (box.dataset.passkey === "prove") {
        await post("/sessions/proof", await signed());
        goOn(box.dataset.then);
      } else {
        await post("/sessions/passkey", await signed());
        location.assign(box.dataset.then);
      }
    } catch (error) {
      const proof = { PROOF_REQUIRED: "", FACTOR_REQUIRED: "&facteur=oui" }[error.message];
      if (proof !== undefined) return location.assign("/compte/preuve?suite=/compte/securite" + proof);
      wrong.textContent = box.dataset.failed;
      wrong.hidden = false;
    }
  });
}
