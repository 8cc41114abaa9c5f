"use strict";
(() => {
  const button = document.getElementById("copy");
  const lines = document.getElementById("lines");

  const selectLines = () => {
    const range = document.createRange();
    range.selectNodeContents(lines);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };

  // Browsers offer the clipboard to secure origins only; elsewhere the old way works, on what is selected.
  const copy = async () => {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(lines.textContent);
      return true;
    }
    selectLines();
    return document.execCommand("copy");
  };

  button.hidden = false;
  button.addEventListener("click", async () => {
    const done = await copy().catch(() => false);
    if (!done) {
      selectLines();
    }
    button.textContent = done ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });

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
