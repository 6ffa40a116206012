"use strict";
(() => {
  // Copy as text.
  const copy = document.getElementById("copy");
  const text = document.getElementById("text");
  const said = document.getElementById("said");
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      said.textContent = "Copied.";
    } catch {
      text.closest("details").open = true;
      getSelection().selectAllChildren(text);
      text.scrollIntoView();
      said.textContent = "The text is selected: copy it from there.";
    }
  });

  // Variables and consoles, where the supervisor keeps them.
  const { live, secret } = document.body.dataset;
  if (!live) return;

  const make = (tag, className, content) => {
    const e = document.createElement(tag);
    if (className) e.className = className;
    if (content !== undefined) e.textContent = content;
    return e;
  };

  const ask = async (question, parameters) => {
    const answer = await fetch(live + question + "?" + new URLSearchParams(parameters), { headers: { "Zeug-Secret": secret } });
    const value = await answer.json();
    if (answer.ok) return value;
    const failure = new Error(value.error);
    failure.status = answer.status;
    throw failure;
  };

  const pin = document.getElementById("pin");
  const send = (command, body) => fetch(live.replace(/[^/]+\/$/, command), { method: "POST", headers: { "Zeug-Secret": secret }, body });
  pin.querySelector("[type=button]").addEventListener("click", async () => {
    const answer = await send("print");
    pin.querySelector("output").textContent = answer.ok ? "It is there once more." : (await answer.json()).error;
    pin.querySelector("input").focus();
  });
  pin.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await send("pin", new URLSearchParams(new FormData(pin)));
    if (answer.ok) {
      pin.hidden = true;
      openAll();
    } else {
      pin.querySelector("output").textContent = (await answer.json()).error;
      pin.querySelector("input").select();
    }
  });

  // row shows a variable; what is inside it comes when it is opened.
  const row = (frame, v) => {
    const li = make("li", v.shadowed ? "dimmed" : "");
    const line = make("span", v.expr ? "" : "flat");
    if (v.expr) {
      const open = make("button", "", "▸");
      open.type = "button";
      open.setAttribute("aria-expanded", "false");
      open.setAttribute("aria-label", "Open " + v.name);
      open.addEventListener("click", async () => {
        const inside = li.querySelector(":scope > ul");
        if (inside) {
          inside.hidden = !inside.hidden;
          open.textContent = inside.hidden ? "▸" : "▾";
        } else {
          open.textContent = "▾";
          li.append(await expanded(frame, v, make("ul"), 0));
        }
        open.setAttribute("aria-expanded", String(open.textContent === "▾"));
      });
      line.append(open);
    }
    line.append(make("span", "name", v.name), " ", make("span", "of", v.type + (v.shadowed ? " (shadowed)" : "")), " ");
    line.append(v.unreadable ? make("span", "wrong", v.unreadable) : make("span", "value", v.value));
    li.append(line);
    return li;
  };

  const expanded = async (frame, v, list, from) => {
    try {
      const whole = await ask("expand", { frame, expr: v.expr, from });
      const children = whole.children || [];
      for (const child of children) list.append(row(frame, child));
      const shown = from + children.length;
      if (children.length && shown < whole.length && /^(\[|map)/.test(whole.type)) {
        const li = make("li");
        const more = make("button", "", `${whole.length - shown} more`);
        more.type = "button";
        more.addEventListener("click", () => { li.remove(); expanded(frame, v, list, shown); });
        li.append(more);
        list.append(li);
      }
      if (!list.children.length) list.append(make("li", "of", "empty"));
    } catch (failure) {
      list.append(make("li", "wrong", failure.message));
    }
    return list;
  };

  // globals shows the variables of the package of a frame's function, which are
  // asked for when it is opened.
  const globals = (frame) => {
    const fold = make("details", "globals");
    const list = make("ul", "vars");
    const load = async (from) => {
      try {
        const part = await ask("globals", { frame, from });
        for (const v of part.variables) list.append(row(frame, v));
        const shown = from + part.variables.length;
        if (!part.total) list.append(make("li", "of", `package ${part.package} has none`));
        if (part.variables.length && shown < part.total) {
          const li = make("li");
          const more = make("button", "", `${part.total - shown} more`);
          more.type = "button";
          more.addEventListener("click", () => { li.remove(); load(shown); });
          li.append(more);
          list.append(li);
        }
      } catch (failure) {
        list.append(make("li", "wrong", failure.message));
      }
    };
    fold.append(make("summary", "", "Package variables"), list);
    fold.addEventListener("toggle", (event) => {
      event.stopPropagation();
      if (fold.open && !list.children.length) load(0);
    });
    return fold;
  };

  // console_ evaluates expressions in a frame: Enter asks, the arrows go through
  // what was asked, Tab completes.
  const console_ = (frame) => {
    const box = make("div", "console");
    const log = make("ol", "vars");
    const form = make("form");
    const input = make("input");
    input.placeholder = "a Go expression, such as len(items) or user.Name";
    input.autocomplete = "off";
    input.spellcheck = false;
    input.setAttribute("aria-label", "Expression to evaluate in this frame");
    const names = make("datalist");
    names.id = "names-" + frame;
    input.setAttribute("list", names.id);
    form.append(input, names, make("button", "", "Evaluate"));
    box.append(log, form);
    const history = [];
    let at = 0;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const expr = input.value.trim();
      if (!expr) return;
      history.push(expr);
      at = history.length;
      input.value = "";
      log.append(make("li", "asked", expr));
      try {
        log.append(row(frame, { ...(await ask("eval", { frame, expr })), name: "" }));
      } catch (failure) {
        log.append(make("li", "wrong", failure.message));
      }
      input.scrollIntoView({ block: "nearest" });
    });
    input.addEventListener("keydown", async (event) => {
      if ((event.key === "ArrowUp" && at > 0) || (event.key === "ArrowDown" && at < history.length)) {
        event.preventDefault();
        at += event.key === "ArrowUp" ? -1 : 1;
        input.value = history[at] || "";
      } else if (event.key === "l" && event.ctrlKey) {
        event.preventDefault();
        log.replaceChildren();
      } else if (event.key === "Tab" && input.value) {
        event.preventDefault();
        try {
          const found = (await ask("complete", { frame, expr: input.value })) || [];
          const start = input.value.replace(/[\p{L}\p{N}_]*$/u, "");
          names.replaceChildren(...found.map((name) => { const o = make("option"); o.value = start + name; return o; }));
          if (found.length === 1) input.value = start + found[0];
        } catch { /* nothing completes */ }
      }
    });
    return box;
  };

  const fill = async (details) => {
    const box = details.querySelector(".live");
    if (!box || box.dataset.filled || !details.open) return;
    box.dataset.filled = "yes";
    const frame = details.dataset.frame;
    try {
      const list = make("ul", "vars");
      const variables = await ask("variables", { frame });
      for (const v of variables) list.append(row(frame, v));
      if (!variables.length) list.append(make("li", "of", "no variables"));
      box.replaceChildren(list, globals(frame), console_(frame));
    } catch (failure) {
      if (failure.status === 401) {
        delete box.dataset.filled;
        pin.hidden = false;
        return;
      }
      box.replaceChildren(make("p", "note", failure.message));
    }
    box.hidden = false;
  };

  const frames = [...document.querySelectorAll(".frame")];
  const openAll = async () => { for (const details of frames) await fill(details); };
  for (const details of frames) details.addEventListener("toggle", () => fill(details));
  openAll();

  const core = make("a", "button", "Download core");
  core.href = live + "core?" + new URLSearchParams({ secret });
  const program = make("a", "button", "Its program");
  program.href = live + "program?" + new URLSearchParams({ secret });
  copy.after(" ", core, " ", program);
  core.title = program.title = "dlv core program core";
})();
