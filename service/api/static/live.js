// Keeps a page fresh: the parts marked data-live are fetched again, all else stays as it is.
(() => {
  "use strict";
  const main = document.querySelector("main");
  let asked = false;

  async function refresh() {
    asked = false;
    let fresh;
    try {
      const answer = await fetch(location.href);
      if (answer.redirected) return location.reload();  // logged out meanwhile
      if (!answer.ok) return;
      fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    } catch {
      return;  // the service is away for a moment
    }
    for (const part of document.querySelectorAll("[data-live]")) {
      const other = fresh.getElementById(part.id);
      if (!other || part.innerHTML === other.innerHTML) continue;
      if (part.contains(document.activeElement)) continue;  // somebody is using it
      const box = part.querySelector(".log");
      const below = box && box.scrollHeight - box.scrollTop - box.clientHeight;
      part.replaceChildren(...other.childNodes);
      const now = part.querySelector(".log");
      if (now && below < 40) now.scrollTop = now.scrollHeight;
    }
  }

  function soon() {
    if (asked) return;
    asked = true;
    setTimeout(refresh, 500);
  }

  const log = document.querySelector(".log");
  if (log) log.scrollTop = log.scrollHeight;
  if (main.dataset.every) {
    setInterval(() => document.hidden || refresh(), 1000 * main.dataset.every);
  }
  if (main.dataset.stream) {
    const stream = new EventSource(main.dataset.stream);
    for (const kind of ["state", "progress", "line"]) stream.addEventListener(kind, soon);
    stream.addEventListener("end", () => {
      stream.close();
      soon();
    });
  }
})();
