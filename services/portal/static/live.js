// The page follows what happens to its invoices: its live parts are read anew when something has changed.
// Nothing is replaced under the hands of who writes or chooses: then the page says so, with a way to reload.
const box = document.querySelector("[data-feed]");
const QUIET = 500;

if (box && "EventSource" in window) {
  const words = box.querySelector(".live-text");
  let source = null;
  let timer = 0;
  let last = "";

  const busy = (part) => {
    const active = document.activeElement;
    const writes = active && part.contains(active) && active.matches("input, select, textarea");
    return writes || part.querySelector("input[type=checkbox]:checked") !== null;
  };

  const named = (page) => [...page.querySelectorAll("[data-live]")].map((part) => part.getAttribute("id")).join(" ");

  const offer = () => {
    words.textContent = `${box.dataset.waits} `;
    const link = document.createElement("a");
    link.href = location.href;
    link.textContent = box.dataset.reload;
    words.append(link);
  };

  const refresh = async () => {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const parts = [...document.querySelectorAll("[data-live]")];
    if (parts.some(busy)) return offer();
    const same = named(fresh) === named(document);
    const focused = document.activeElement && document.activeElement.id;
    for (const part of parts) {
      const other = fresh.getElementById(part.getAttribute("id")); // `id` of a form is its field of that name
      if (other) part.replaceWith(document.adoptNode(other));
    }
    if (focused && !document.activeElement.id) document.getElementById(focused)?.focus({ preventScroll: true });
    if (!same) return offer(); // a part has come or gone: none stands where it would
    words.textContent = box.dataset.changed;
  };

  const told = (event) => {
    last = event.lastEventId || last;
    const wanted = box.dataset.invoice;
    if (wanted && JSON.parse(event.data).invoice !== wanted) return;
    clearTimeout(timer);
    timer = setTimeout(() => refresh().catch(() => {}), QUIET);
  };

  const open = () => {
    if (source || document.hidden) return;
    source = new EventSource(box.dataset.feed);
    source.addEventListener("status.changed", told);
    source.addEventListener("action.recorded", told);
    source.addEventListener("open", () => { box.dataset.open = "yes"; });
  };

  // A page that nobody looks at keeps no connection: browsers have few for one site.
  const close = () => {
    source?.close();
    source = null;
    delete box.dataset.open;
  };

  let away = false;
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      away = true;
      close();
    } else {
      open();
      if (away) refresh().catch(() => {});
      away = false;
    }
  });
  addEventListener("pagehide", close);
  open();
}
