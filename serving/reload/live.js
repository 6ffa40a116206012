// Loads the page again when the program that made it has changed, and its style
// sheets when only they have.
"use strict";
(() => {
  let version = document.currentScript.dataset.version;
  let stream;
  const listen = () => {
    if (stream || document.visibilityState === "hidden") return;
    stream = new EventSource("/.zeug/live?since=" + version);
    stream.addEventListener("reload", () => {
      stream.close();
      location.reload();
    });
    stream.addEventListener("restyle", (event) => {
      version = event.data;
      for (const link of document.querySelectorAll('link[rel~="stylesheet"][href]')) {
        const url = new URL(link.href);
        if (url.origin !== location.origin) continue;
        url.searchParams.set("zeug", Date.now());
        const next = link.cloneNode();
        next.href = url;
        next.addEventListener("load", () => link.remove());
        link.after(next);
      }
    });
  };
  // Browsers allow few connections to a host: a tab nobody sees takes none.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") {
      stream?.close();
      stream = undefined;
    } else {
      listen();
    }
  });
  listen();
})();
