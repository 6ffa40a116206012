"use strict";
(() => {
  const copy = document.getElementById("copy");
  const text = document.getElementById("text").textContent;
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
    } catch {
      const area = document.getElementById("text");
      area.closest("details").open = true;
      getSelection().selectAllChildren(area);
      copy.textContent = "Selected below";
    }
  });
})();
