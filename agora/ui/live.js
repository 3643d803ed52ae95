"use strict";
(() => {
  const status = document.getElementById("live");
  const log = document.getElementById("live-log");
  if (!status || !status.dataset.from) return;
  const MOST = 50, EVERY_MS = 2000, AGAIN_MS = 10000;
  let waiting = 0, busy = false, again = false, last = 0, count = 0;

  const key = (fold) => {
    const section = fold.closest("section");
    const places = [...(section || document).querySelectorAll("details")];
    return `${section ? section.id : ""}/${fold.id || places.indexOf(fold)}`;
  };
  const wanted = () => [...document.querySelectorAll("main details[open]")].map(key);
  const focused = () => {
    const at = document.activeElement;
    if (!at || !at.closest("main") || at.id === "content") return null;
    const all = [...document.querySelectorAll("main a, main summary, main [tabindex]")];
    return all.indexOf(at);
  };

  const refresh = async () => {
    if (busy) {
      again = true;  // what is being read may be older than this wish
      return;
    }
    busy = true;
    again = false;
    try {
      const answer = await fetch(location.href, { cache: "no-store", credentials: "same-origin" });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const open = new Set(wanted()), place = focused();
      const now = document.querySelector("main"), then = fresh.querySelector("main");
      if (!now || !then) return;
      now.replaceChildren(...[...then.childNodes].map((node) => document.importNode(node, true)));
      for (const fold of now.querySelectorAll("details")) if (open.has(key(fold))) fold.open = true;
      const was = document.getElementById("standing"), is = fresh.getElementById("standing");
      if (was && is) was.replaceChildren(...[...is.childNodes].map((node) => document.importNode(node, true)));
      const nav = document.querySelector("nav[aria-label=Sections] ul"), newer = fresh.querySelector("nav[aria-label=Sections] ul");
      if (nav && newer && !nav.contains(document.activeElement)) {
        nav.replaceChildren(...[...newer.childNodes].map((node) => document.importNode(node, true)));
      }
      if (place !== null && place >= 0) {
        const all = [...document.querySelectorAll("main a, main summary, main [tabindex]")];
        if (all[place]) all[place].focus({ preventScroll: true });
      }
    } finally {
      busy = false;
      last = Date.now();
      if (again) soon();
    }
  };
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(refresh, Math.max(0, EVERY_MS - (Date.now() - last)));
  };

  let known = status.dataset.from;
  const connect = () => {
    const source = new EventSource(known);
    source.addEventListener("message", (message) => {
      const told = JSON.parse(message.data);
      known = known.replace(/after=\d+/, `after=${told.seq}`);
      count += 1;
      const at = new Date(told.at_us / 1000).toLocaleTimeString();
      const where = status.dataset.all ? ` in ${told.run}` : "";
      const line = `${told.seq} ${told.kind}${told.task ? " " + told.task : ""}${where}, ${at}`;
      status.textContent = `Live: ${count} new ${count === 1 ? "event" : "events"}; the last: ${line}`;
      if (log) {
        const item = document.createElement("li");
        item.textContent = line;
        log.prepend(item);
        while (log.children.length > MOST) log.lastChild.remove();
      }
      soon();
    });
    source.addEventListener("end", () => {
      source.close();
      status.textContent = `The run has ended; ${count} ${count === 1 ? "event" : "events"} since this page was opened.`;
      soon();
    });
    source.addEventListener("open", () => {
      if (!count) status.textContent = "Live: waiting for new events.";
    });
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) {
        status.textContent = "The connection is lost; trying again.";
        return;
      }
      status.textContent = "No longer live: does agora ui still run, at this address? Trying again.";
      setTimeout(connect, AGAIN_MS);
    });
    addEventListener("pagehide", () => source.close());
  };
  connect();
})();
