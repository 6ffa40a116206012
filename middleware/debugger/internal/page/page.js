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

  // Copies of the request, which "zeug run" writes.
  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        const answer = await fetch(button.dataset.from);
        if (answer.status === 401) throw new Error("The PIN is needed: open “Request” and give it there.");
        const copied = await answer.text();
        if (!answer.ok) throw new Error(copied);
        await navigator.clipboard.writeText(copied);
        said.textContent = "Copied.";
      } catch (failure) {
        said.textContent = failure.message;
      }
    });
  }

  // After a change the request is sent again by "zeug run": by itself if that is harmless, and else on a click.
  const { exchange, method } = document.body.dataset;
  if (exchange) {
    const changed = document.getElementById("zeug-changed");
    const result = document.getElementById("zeug-again");
    const question = document.getElementById("zeug-ask");
    const link = (href, content) => {
      const a = document.createElement("a");
      a.href = href;
      a.textContent = content;
      return a;
    };
    let asking = false;
    const still = async () => {
      if (asking) return;
      asking = true;
      result.textContent = "The request runs again …";
      try {
        const answer = await fetch(`/.zeug/requests/${exchange}/again`, { method: "POST", headers: { Accept: "application/json" } });
        if (answer.status === 401) throw new Error("The PIN is needed to run the request again: open “Request” and give it there.");
        if (!answer.ok) throw new Error(await answer.text());
        const { id, status, stale, failure, failed } = await answer.json();
        const request = `/.zeug/requests/${id}`;
        if (stale) result.replaceChildren("Not known yet: the new program does not run.");
        else if (!failure && status && status < 500) result.replaceChildren("The same request does not fail any more: ", link(request, `the answer is ${status}`), ".");
        else if (failed && failed !== document.querySelector("h1").textContent) result.replaceChildren("The same request fails otherwise now: ", link(failure, failed), ".");
        else result.replaceChildren("The same request still fails: ", link(failure || request, failed || (status ? `status ${status}` : "no response")), ".");
      } catch (failure) {
        result.textContent = failure.message;
      }
      asking = false;
    };
    document.addEventListener("zeug-changed", () => {
      if (method === "GET" || method === "HEAD") still();
      else question.hidden = false;
    });
    question.querySelector("button").addEventListener("click", still);
    if (method !== "GET") {
      // Only the answers to GET bring the script that hears of changes.
      new EventSource("/.zeug/live").addEventListener("reload", () => {
        changed.hidden = false;
        question.hidden = false;
      });
    }
    if (!changed.hidden) document.dispatchEvent(new Event("zeug-changed"));
  }

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
      frames.find((details) => details.open)?.querySelector("summary").focus();
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
      open.setAttribute("aria-label", "Open " + (v.name || v.type));
      open.addEventListener("click", () => {
        const inside = li.querySelector(":scope > ul");
        if (inside) {
          inside.hidden = !inside.hidden;
          open.textContent = inside.hidden ? "▸" : "▾";
        } else {
          open.textContent = "▾";
          const list = make("ul");
          li.append(list);
          expanded(frame, v, list, 0);
        }
        open.setAttribute("aria-expanded", String(open.textContent === "▾"));
      });
      line.append(open);
    }
    const beside = [v.type + (v.shadowed ? " (shadowed)" : ""), v.note].filter(Boolean).join(", ");
    line.append(make("span", "name", v.name), " ", make("span", "of", beside), " ");
    line.append(v.unreadable ? make("span", "wrong", v.unreadable) : make("span", "value", v.value));
    if (v.copy && !v.unreadable) line.append(copies(frame, v));
    li.append(line);
    return li;
  };

  // copies are buttons that copy a value, as an expression of Go or as JSON.
  const copies = (frame, v) => {
    const box = make("span", "copies");
    for (const form of ["Go", "JSON"]) {
      const button = make("button", "");
      button.type = "button";
      const show = (text) => {
        button.textContent = text;
        button.setAttribute("aria-label", `${text}: ${v.name || v.type}`);
      };
      show("Copy " + form);
      button.addEventListener("click", async () => {
        try {
          const copied = await ask("copy", { frame, expr: v.copy });
          await navigator.clipboard.writeText(form === "Go" ? copied.go : copied.json);
          said.textContent = "Copied.";
          show("Copied");
        } catch (failure) {
          said.textContent = failure.message;
          show("Not copied");
          button.title = failure.message;
        }
      });
      box.append(" ", button);
    }
    return box;
  };

  // more offers the rest of a list, the focus then goes to what has come.
  const more = (list, left, of, load) => {
    const li = make("li");
    const button = make("button", "", `${left} more`);
    button.type = "button";
    button.setAttribute("aria-label", `${left} more of ${of}`);
    button.addEventListener("click", async () => {
      button.disabled = true;
      const before = li.previousElementSibling;
      await load();
      const next = li.nextElementSibling || before;
      li.remove();
      const target = next?.querySelector("button") || next;
      if (target?.tagName === "LI") target.tabIndex = -1;
      target?.focus();
    });
    li.append(button);
    list.append(li);
  };

  const expanded = async (frame, v, list, from) => {
    try {
      const whole = await ask("expand", { frame, expr: v.expr, from });
      const children = whole.children || [];
      for (const child of children) list.append(row(frame, child));
      const shown = from + children.length;
      if (children.length && shown < whole.length) {
        more(list, whole.length - shown, v.name || v.expr, () => expanded(frame, v, list, shown));
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
          more(list, part.total - shown, "package " + part.package, () => load(shown));
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

  // candidates makes a field a combobox: what can stand in place of the last name is
  // listed below it while one types, and taken by the arrows and Enter, or by a click.
  // Tab goes on, as everywhere.
  const candidates = (input, list, frame) => {
    let asked = 0; // answers to older questions count no more
    let timer;
    let active = -1;
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", list.id);
    const mark = (at) => {
      list.children[active]?.setAttribute("aria-selected", "false");
      active = at;
      const option = list.children[at];
      if (!option) return input.removeAttribute("aria-activedescendant");
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", option.id);
    };
    const show = (options) => {
      mark(-1);
      list.replaceChildren(...options);
      list.hidden = !options.length;
      input.setAttribute("aria-expanded", String(!list.hidden));
    };
    const close = () => {
      asked++;
      clearTimeout(timer);
      show([]);
    };
    const take = (text) => {
      input.value = text;
      close();
    };
    const find = async (number) => {
      const typed = input.value;
      const start = typed.replace(/[\p{L}\p{N}_]*$/u, "");
      let found;
      try {
        found = (await ask("complete", { frame, expr: typed })) || [];
      } catch {
        return; // nothing completes
      }
      if (number !== asked || document.activeElement !== input) return;
      show(found.filter((name) => start + name !== typed).map((name, i) => {
        const option = make("li", "", name);
        option.id = `${list.id}-${i}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
        option.addEventListener("click", () => take(start + name));
        return option;
      }));
    };
    input.addEventListener("input", () => {
      close();
      if (input.value) timer = setTimeout(find, 100, asked);
    });
    input.addEventListener("blur", close);
    close();
    return {
      close,
      // accept takes the candidate that the arrows have chosen, if any.
      accept: () => {
        const option = list.children[active];
        option?.click();
        return Boolean(option);
      },
      // key reports whether the list has taken a key.
      key: (event) => {
        const last = list.children.length - 1;
        if (event.isComposing || list.hidden) return false;
        if (event.key === "ArrowDown") mark(active < last ? active + 1 : 0);
        else if (event.key === "ArrowUp" && active >= 0) mark(active - 1);
        else if (event.key === "Escape") close();
        else return false;
        event.preventDefault();
        return true;
      },
    };
  };

  // console_ evaluates expressions in a frame: Enter asks, the arrows go through
  // what was asked, Escape leaves.
  const console_ = (frame, leave) => {
    const box = make("div", "console");
    const log = make("ol", "vars");
    const live = make("div");
    live.setAttribute("role", "log");
    live.setAttribute("aria-label", "Results");
    live.append(log);
    const form = make("form");
    const input = make("input");
    input.placeholder = "a Go expression, such as len(items) or user.Name";
    input.autocomplete = "off";
    input.autocapitalize = "none";
    input.spellcheck = false;
    input.setAttribute("aria-label", "Expression to evaluate in this frame");
    const list = make("ul", "candidates");
    list.id = "candidates-" + frame;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Candidates");
    const names = candidates(input, list, frame);
    form.append(input, make("button", "", "Evaluate"));
    box.append(live, form, list);
    const history = [];
    let at = 0;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (names.accept()) return;
      const expr = input.value.trim();
      if (!expr) return;
      history.push(expr);
      at = history.length;
      input.value = "";
      names.close();
      log.append(make("li", "asked", expr));
      try {
        log.append(row(frame, { ...(await ask("eval", { frame, expr })), name: "" }));
      } catch (failure) {
        log.append(make("li", "wrong", failure.message));
      }
      input.scrollIntoView({ block: "nearest" });
    });
    input.addEventListener("keydown", (event) => {
      if (names.key(event)) return;
      if ((event.key === "ArrowUp" && at > 0) || (event.key === "ArrowDown" && at < history.length)) {
        event.preventDefault();
        names.close();
        at += event.key === "ArrowUp" ? -1 : 1;
        input.value = history[at] || "";
      } else if (event.key === "l" && event.ctrlKey) {
        event.preventDefault();
        log.replaceChildren();
      } else if (event.key === "Escape") {
        leave.focus();
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
      box.replaceChildren(list, globals(frame), console_(frame, details.querySelector("summary")));
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
