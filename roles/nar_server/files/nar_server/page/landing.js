"use strict";
(() => {
  const select = (node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };

  // Browsers offer the clipboard to secure origins only, if the person lets them; else the old way, on what is selected.
  const copy = async (node) => {
    try {
      await navigator.clipboard.writeText(node.textContent);
      return true;
    } catch {
      select(node);
    }
    return document.execCommand("copy");
  };

  for (const button of document.querySelectorAll(".copied button")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const done = await copy(button.previousElementSibling);
      button.textContent = done ? "Copied" : "Press Ctrl+C";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }

  const refresh = async () => {
    if (!document.hidden) {
      try {
        const counters = await (await fetch(document.documentElement.dataset.stats, { cache: "no-store" })).json();
        for (const field of document.querySelectorAll("#counters [data-name]")) {
          field.textContent = counters.texts[field.dataset.name] ?? field.textContent;
        }
      } catch {
        // The server restarts or the network is away: the next time will tell.
      }
    }
    setTimeout(refresh, 2000);
  };
  setTimeout(refresh, 2000);
})();
