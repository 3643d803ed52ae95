"use strict";
(() => {
  const folds = () => document.querySelectorAll("details");
  const button = document.getElementById("open-all");
  if (button) {
    let opened = false;
    button.hidden = false;
    button.addEventListener("click", () => {
      opened = !opened;
      for (const fold of folds()) fold.open = opened;
      button.textContent = opened ? "Close everything" : "Open everything";
    });
  }
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    for (let at = target; at; at = at.parentElement) if (at instanceof HTMLDetailsElement) at.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...folds()].filter((fold) => !fold.open);
    for (const fold of closed) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of closed) fold.open = false;
  });
})();
