// Keys for who works through a list: j and k walk, Enter opens, x chooses, u goes back. All of it works by Tab too,
// and the keys can be switched off in the help that lists them.
const help = document.querySelector("[data-keys]");

const rows = () => [...document.querySelectorAll("[data-row]")];

const walk = (step) => {
  const all = rows();
  if (!all.length) return false;
  const row = document.activeElement && document.activeElement.closest("tr");
  const at = row ? all.findIndex((each) => row.contains(each)) : -1;
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1);
  all[next].focus();
  return true;
};

const pick = () => {
  const row = document.activeElement && document.activeElement.closest("tr");
  const box = row && row.querySelector("input[type=checkbox]");
  if (box) box.click();
  return Boolean(box);
};

const go = (selector) => {
  const found = document.querySelector(selector);
  if (found) found.focus();
  return Boolean(found);
};

const KEYS = {
  j: () => walk(1),
  k: () => walk(-1),
  x: pick,
  "/": () => go("#f-q"),
  a: () => go("[data-act]"),
  d: () => go("#document"),
  i: () => go("#donnees"),
  h: () => go("#histoire"),
  u: () => {
    const link = document.querySelector("[data-back]");
    if (link) link.click();
    return Boolean(link);
  },
  "?": () => {
    help.open = !help.open;
    if (help.open) help.querySelector("summary").focus();
    return true;
  },
};

if (help) {
  help.hidden = false;
  if (help.dataset.keys === "on") {
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (event.target.matches("input:not([type=checkbox]), select, textarea, [contenteditable]")) return;
      const act = KEYS[event.key];
      if (act && act()) event.preventDefault();
    });
  }
}

// Back from an invoice that has left the list, its row is gone: the next one takes its place.
if (location.hash.startsWith("#i-")) {
  const target = document.getElementById(location.hash.slice(1)) || rows()[0] || document.querySelector("h1");
  if (target) {
    if (target.tagName === "H1") target.tabIndex = -1;
    target.focus();
  }
}
