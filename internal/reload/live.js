// Loads the page again when the program that made it has changed, and its style
// sheets when only they have. The page of a failure stays, since somebody is looking
// at it, and says that the program has changed. What zeug vet finds is shown in a strip at
// the foot of the window.
"use strict";
(() => {
  let version = document.currentScript.dataset.version;
  let stream;
  let strip;
  // The strip is a shadow tree, so that styles of the page do not reach it. Its style sheet is made by
  // the script, which policies that forbid style elements allow.
  const styles = `
    .strip { all: initial; color-scheme: light dark; position: fixed; inset: auto 0 0 0; z-index: 2147483647; display: flex;
      align-items: flex-start; max-height: 40vh; overflow: auto; background: #fff4d6; color: #3d2c00; border-top: 2px solid #8a6100;
      font: 14px/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
    details { flex: 1; min-width: 0 }
    summary { padding: .4rem .8rem; min-height: 24px; cursor: pointer; white-space: nowrap; overflow: hidden; text-overflow: ellipsis }
    details[open] .first { display: none }
    ol { margin: 0; padding: 0 .8rem .6rem 2.4rem }
    code { font: 13px/1.5 ui-monospace, monospace; font-weight: 600 }
    button { all: unset; box-sizing: border-box; min-width: 36px; min-height: 36px; text-align: center; cursor: pointer; font-size: 18px }
    summary:focus-visible, button:focus-visible { outline: 2px solid currentColor; outline-offset: -3px }
    @media (prefers-color-scheme: dark) { .strip { background: #33270a; color: #ffe9b0; border-top-color: #c99a2e } }
    @media print { .strip { display: none } }`;
  const element = (name, ...inner) => {
    const e = document.createElement(name);
    e.append(...inner);
    return e;
  };
  const memory = (...value) => {
    try {
      if (value.length) sessionStorage["zeug-closed"] = value[0];
      return sessionStorage["zeug-closed"];
    } catch {
      return undefined; // the page may not keep anything
    }
  };
  const show = (data) => {
    strip?.remove();
    strip = undefined;
    const { count, list = [] } = JSON.parse(data);
    if (!count) memory("");
    if (!count || window.top !== window || memory() === data) return;
    strip = document.createElement("zeug-vet");
    strip.setAttribute("role", "complementary");
    strip.setAttribute("aria-label", "zeug vet");
    strip.style.setProperty("all", "initial", "important");
    const root = strip.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(styles);
    root.adoptedStyleSheets = [sheet];
    const row = element("div");
    row.className = "strip";
    const title = "zeug vet: " + count + (count === 1 ? " mistake" : " mistakes");
    const named = ({ place, message }) => [element("code", place), " " + message];
    if (list.length) {
      const first = element("span", " · ", ...named(list[0]));
      first.className = "first";
      const items = list.map((mistake) => element("li", ...named(mistake)));
      if (list.length < count) items.push(element("li", "The terminal shows the others."));
      row.append(element("details", element("summary", title, first), element("ol", ...items)));
    } else {
      row.append(element("details", element("summary", title), element("ol", element("li", "The terminal shows them."))));
    }
    const close = element("button", "×");
    close.type = "button";
    close.setAttribute("aria-label", "Hide until something else is found");
    close.addEventListener("click", () => {
      memory(data);
      strip.remove();
    });
    row.append(close);
    root.append(row);
    document.documentElement.append(strip);
  };
  const listen = () => {
    if (stream || document.visibilityState === "hidden") return;
    stream = new EventSource("/.zeug/live?since=" + version);
    stream.addEventListener("reload", (event) => {
      const changed = document.getElementById("zeug-changed");
      if (changed) {
        version = event.data;
        changed.hidden = false;
        document.dispatchEvent(new Event("zeug-changed"));
      } else {
        stream.close();
        location.reload();
      }
    });
    stream.addEventListener("mistakes", (event) => show(event.data));
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
