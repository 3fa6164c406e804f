// While somebody types, the draft is saved and checked: the page asks for itself anew and takes over what is said of the
// fields, never the fields. Without script "Vérifier" does the same.
const form = document.querySelector("form[data-typing]");
const PAUSE = 900;
let waiting = 0;
let asking = false;
let again = false;
let over = false;
let held = null; // a button that was pressed while a save was under way

function take(fresh) {
  for (const old of document.querySelectorAll("[data-swap]")) {
    const now = fresh.getElementById(old.id);
    if (now && !old.contains(document.activeElement) && old.innerHTML !== now.innerHTML) old.replaceChildren(...now.childNodes);
  }
  for (const old of form.querySelectorAll("[data-swap-class]")) {
    const now = fresh.getElementById(old.id);
    if (now) old.className = now.className;
  }
  for (const old of form.querySelectorAll("input[id], select[id], textarea[id]")) {
    const now = fresh.getElementById(old.id);
    if (!now) continue;
    if (now.hasAttribute("aria-invalid")) old.setAttribute("aria-invalid", "true");
    else old.removeAttribute("aria-invalid");
    turn(old, now);
  }
}

// A list of services is the recipient's: it changes with him, and what was chosen or written stays where it can.
function turn(old, now) {
  if (old.name !== "service_code" || old === document.activeElement) return;
  const value = old.value;
  if (old.nodeName !== now.nodeName) {
    old.replaceWith(now);
    if (now.nodeName === "INPUT") now.value = value;
  } else if (old.nodeName === "SELECT" && old.innerHTML !== now.innerHTML) {
    old.replaceChildren(...now.childNodes);
    old.value = [...old.options].some((each) => each.value === value) ? value : "";
  }
}

function stop() {
  over = true;
  const place = document.getElementById("state");
  const words = document.createElement("p");
  words.textContent = form.dataset.lost;
  place.append(words);
}

async function save() {
  if (over) return;
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  try {
    const body = new URLSearchParams(new FormData(form));
    body.set("act", "live");
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const theirs = fresh.querySelector("form[data-typing]");
    if (!theirs) return stop();
    take(fresh);
    if (answer.status === 412) over = true; // somebody else writes on it: what is next is for a person to say
    form.elements.version.value = theirs.elements.version.value;
    if (answer.status === 412) held = null;
  } catch {
    stop();
  } finally {
    asking = false;
    if (held) {
      form.requestSubmit(held);
    } else if (again && !over) {
      again = false;
      save();
    }
  }
}

function addLine() {
  const box = form.querySelector("[data-lines]");
  const number = box.children.length + 1;
  const made = form.querySelector("template[data-line]").innerHTML.replaceAll("__n__", number);
  box.insertAdjacentHTML("beforeend", made);
  box.lastElementChild.querySelector("input").focus();
}

if (form) {
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(save, PAUSE);
  });
  form.addEventListener("submit", (event) => {
    clearTimeout(waiting);
    if (asking && event.submitter) {
      // Sent now, it would come after the version that is being saved and be taken for that of another window.
      event.preventDefault();
      held = event.submitter;
      return;
    }
    over = true;
  });
  const add = form.querySelector("[data-add-line]");
  if (add)
    add.addEventListener("click", (event) => {
      event.preventDefault();
      addLine();
    });
}
