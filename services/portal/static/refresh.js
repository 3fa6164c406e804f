// A page with [data-refresh] asks for itself again every few seconds and takes over what has changed, so that nothing moves
// under whoever reads or points at it. It can be stopped, and stops by itself when nobody is there. Without script the
// page is complete, as of when it was asked for.
const region = document.querySelector("[data-refresh]");
const stop = document.querySelector("[data-refresh-stop]");
const said = document.querySelector("[data-refresh-said]");
const ABANDONED = 30 * 60 * 1000;
let running = Boolean(region);
let touched = Date.now();

function take(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) return old.replaceWith(fresh);
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const children = [...fresh.childNodes];
  children.forEach((child, place) => (old.childNodes[place] ? take(old.childNodes[place], child) : old.append(child)));
  while (old.childNodes.length > children.length) old.lastChild.remove();
}

function say(words) {
  if (said && said.textContent !== words) said.textContent = words;
}

function pause(words) {
  running = false;
  if (stop) stop.textContent = stop.dataset.go;
  say(words);
}

async function look() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("[data-refresh]");
  if (!fresh) throw new Error("gone");
  if (!running) return;
  take(region, document.adoptNode(fresh));
  say("");
}

async function round() {
  if (running && !document.hidden) {
    if (Date.now() - touched > ABANDONED) pause(said ? said.dataset.paused : "");
    else await look().catch(() => say(said ? said.dataset.lost : ""));
  }
  setTimeout(round, Number(region.dataset.refresh) * 1000);
}

if (region) {
  for (const kind of ["pointermove", "keydown", "touchstart", "scroll"])
    addEventListener(kind, () => (touched = Date.now()), { passive: true });
  if (stop) {
    stop.hidden = false;
    stop.addEventListener("click", () => {
      if (running) return pause("");
      running = true;
      stop.textContent = stop.dataset.stop;
    });
  }
  setTimeout(round, Number(region.dataset.refresh) * 1000);
}
