// The list shows what is new as it happens; a request's page copies.
(() => {
  const rows = document.querySelector("#rows");
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  const follow = async () => {
    const filter = document.querySelector("#filter");
    let version = document.querySelector("table.list").dataset.version;
    let asked = null;
    filter.querySelector("button").hidden = true;
    filter.addEventListener("input", () => {
      version = "-1";
      asked?.abort();
      history.replaceState(null, "", "?" + new URLSearchParams(new FormData(filter)));
    });
    for (;;) {
      asked = new AbortController();
      try {
        const query = new URLSearchParams(new FormData(filter));
        query.set("version", version);
        const answer = await fetch("rows?" + query, { signal: asked.signal });
        if (answer.ok) {
          version = answer.headers.get("Zeug-Version");
          const at = rows.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
          rows.innerHTML = await answer.text();
          if (at) rows.querySelector(`a[href="${CSS.escape(at)}"]`)?.focus();
        } else {
          await pause(2000);
        }
      } catch (failure) {
        if (failure.name !== "AbortError") await pause(2000);
      }
      await pause(200);
    }
  };

  const copy = (button) => {
    const said = document.querySelector("#said");
    button.hidden = false;
    button.addEventListener("click", async () => {
      const selection = getSelection();
      const body = document.querySelector("#body");
      const chosen = body && selection.rangeCount && body.contains(selection.anchorNode) ? selection.toString() : "";
      try {
        const answer = await fetch(button.dataset.from + (chosen ? "?chosen=" + encodeURIComponent(chosen) : ""));
        const text = await answer.text();
        if (!answer.ok) throw new Error(text);
        await navigator.clipboard.writeText(text);
        said.textContent = "Copied.";
      } catch (failure) {
        said.textContent = failure.message;
      }
    });
  };

  if (rows) follow();
  for (const button of document.querySelectorAll("button.copy")) {
    copy(button);
    document.querySelector(`a.button[href="${CSS.escape(button.dataset.from)}"]`)?.remove();
  }
})();
