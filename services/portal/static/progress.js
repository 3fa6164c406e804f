// A bar for each file while it is sent; then the page looks for itself until everything is read and checked. Without
// script the form is sent whole, and the page that follows tells the same when it is loaded again.
const EVERY = 1500;
const MOST = 3;
// Of one sending so many are followed by name; more would make an address that no gateway takes.
const NAMED = 200;

function watch() {
  const going = () => [...document.querySelectorAll('[data-going="on"]')];
  let misses = 0;
  async function look() {
    if (!going().length) return;
    if (!document.hidden) {
      try {
        const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        const gone = going().some((each) => each.hasAttribute("data-goes") && !fresh.getElementById(each.id));
        if (gone) return location.assign(answer.url);
        for (const old of document.querySelectorAll("[data-going]")) {
          const now = fresh.getElementById(old.id);
          if (!now || old.contains(document.activeElement)) continue;
          if (old.innerHTML !== now.innerHTML) old.replaceChildren(...now.childNodes);
          old.dataset.going = now.dataset.going;
        }
        misses = 0;
      } catch {
        misses += 1;
      }
    }
    setTimeout(look, EVERY * Math.min(8, 1 + misses));
  }
  setTimeout(look, EVERY);
}

function bar(list, template, file, words) {
  list.append(template.content.cloneNode(true));
  const made = list.lastElementChild;
  made.querySelector("[data-name]").textContent = file.name;
  made.querySelector("[data-state]").textContent = words.waiting;
  return made;
}

function send(form, file, made, words, number) {
  const body = new FormData();
  for (const name of ["csrf", "review", "siret", "service", "engagement"]) {
    const field = form.elements[name];
    if (field && field.value) body.append(name, field.value);
  }
  // Each file is a form of its own: what makes it once is told apart by its place.
  body.append("once", `${form.elements.once.value}-${number}`);
  body.append("file", file);
  const state = made.querySelector("[data-state]");
  const meter = made.querySelector("progress");
  state.textContent = words.sending;
  return new Promise((done) => {
    const way = new XMLHttpRequest();
    way.open("POST", form.dataset.upload);
    way.setRequestHeader("Accept", "application/json");
    way.responseType = "json";
    way.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) meter.value = (100 * event.loaded) / event.total;
    });
    way.addEventListener("loadend", async () => {
      const answer = way.response || (await over(form));
      const told = answer && answer.files ? answer.files[0] : null;
      const wrong = told ? told.problem : (answer && answer.problem) || words.cut;
      meter.value = wrong ? 0 : 100;
      state.className = wrong ? "badge stop" : "badge done";
      state.textContent = wrong ? words.refused : words.stored;
      made.querySelector("[data-text]").textContent = wrong || "";
      if (answer && answer.sign_in) lead(made, answer);
      done(wrong ? null : told);
    });
    way.send(body);
  });
}

// A sending that breaks off without an answer may be one of somebody whose session is over: the page says so.
async function over(form) {
  try {
    const seen = await fetch(form.dataset.upload, { headers: { Accept: "application/json" }, cache: "no-store" });
    return seen.status === 401 ? await seen.json() : null;
  } catch {
    return null;
  }
}

// In another tab: this page stays as it is, and its form is as good once the same person has signed in again.
function lead(made, answer) {
  const link = document.createElement("a");
  link.className = "act";
  link.href = answer.sign_in;
  link.target = "_blank";
  link.rel = "noopener";
  link.textContent = answer.act;
  made.querySelector("[data-text]").append(" ", link);
}

function follow(form, stored) {
  const named = ["siret", "service", "engagement"]
    .filter((name) => form.elements[name] && form.elements[name].value)
    .map((name) => [name, form.elements[name].value]);
  if (stored.length === 1 && !stored[0].archive)
    return location.assign(`${stored[0].path}?${new URLSearchParams([["attendre", "1"], ...named])}`);
  if (stored.length === 1) return location.assign(stored[0].path);
  if (stored.length > NAMED) return location.assign(form.dataset.over);
  const asked = stored.map((each) => [each.archive ? "f" : "d", each.id]);
  return location.assign(`${form.dataset.over}?${new URLSearchParams(asked)}`);
}

function enhance(form) {
  const input = form.querySelector("input[type=file]");
  const list = form.querySelector("[data-bars]");
  const template = form.querySelector("template[data-bar]");
  const words = form.querySelector("[data-words]").dataset;
  let sending = false;
  let sent = 0;
  addEventListener("beforeunload", (event) => sending && event.preventDefault());

  async function all(files) {
    sending = true;
    list.hidden = false;
    form.querySelector("button.main").disabled = true;
    const waiting = files.map((file) => [file, bar(list, template, file, words), (sent += 1)]);
    const stored = [];
    let refused = 0;
    const worker = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const told = await send(form, next[0], next[1], words, next[2]);
        if (told) stored.push({ ...told, made: next[1] });
        else refused += 1;
      }
    };
    await Promise.all(Array.from({ length: MOST }, worker));
    sending = false;
    form.querySelector("button.main").disabled = false;
    input.value = "";
    if (stored.length && !refused) follow(form, stored);
    else if (stored.length) offer(stored);
  }

  // Some were kept out: what is wrong stays on the page, with the way to those that are stored.
  function offer(stored) {
    for (const told of stored) {
      const link = document.createElement("a");
      link.href = told.path;
      link.textContent = told.name;
      told.made.querySelector("[data-name]").replaceChildren(link);
    }
  }

  form.addEventListener("submit", (event) => {
    const files = [...input.files];
    if (!files.length) return;
    event.preventDefault();
    all(files);
  });
  const hint = form.querySelector("[data-drop-hint]");
  if (hint) hint.hidden = false;
  for (const kind of ["dragover", "dragleave", "drop"])
    form.addEventListener(kind, (event) => {
      event.preventDefault();
      form.classList.toggle("over", kind === "dragover");
      if (kind === "drop" && !sending) all([...event.dataTransfer.files]);
    });
}

for (const form of document.querySelectorAll("form[data-upload]")) enhance(form);
watch();
