// The texts of one policy beside pi_ref's. Everything from a model or a prompt is set as text, never as markup.
const Drawer = (() => {
  const panel = document.getElementById("drawer");
  if (!panel) return { open() {} };
  const find = (name) => panel.querySelector(`[data-part="${name}"]`);
  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.append(...String(text).split(/(π_ref)/).map((part) => (part === "π_ref" ? piRef() : part)));
    return element;
  };
  const piRef = () => {
    const element = document.createElement("span"), below = document.createElement("sub");
    below.textContent = "ref";
    element.append("π", below);
    return element;
  };
  let row = -1, own = null, common = null, back = null;

  const cells = [...new Set(Page.rows.columns.cell ?? [])].filter((cell) => Page.packs[`cell/${cell}`]);
  const of = (cell) => Page.rows.ids.map((_, i) => i).filter((i) => Page.value(i, "cell") === cell)
    .sort((a, b) => (Page.kl(a) ?? 0) - (Page.kl(b) ?? 0) || Page.value(a, "step") - Page.value(b, "step"));

  async function open(id) {
    const i = Page.place.get(id);
    if (i === undefined) return;
    if (panel.hidden) back = document.activeElement;
    row = i;
    panel.hidden = false;
    document.documentElement.classList.add("with-drawer");
    history.replaceState(null, "", `#row=${encodeURIComponent(id)}`);
    head();
    try {
      common ??= await Page.unpack("common");
      const texts = await Page.unpack(`cell/${Page.value(i, "cell")}`);
      if (row !== i) return;
      own = texts?.[id] ?? null;
    } catch {
      own = null;
    }
    changed();
    samples();
    panel.focus();
  }
  function close() {
    panel.hidden = true;
    document.documentElement.classList.remove("with-drawer");
    history.replaceState(null, "", location.pathname + location.search);
    back?.focus?.();
  }

  function head() {
    const proxy = Page.value(row, "proxy_id");
    find("title").textContent = `${Page.setting(row)} · replicate ${Page.value(row, "replicate") ?? 0}`;
    find("where").textContent = `${Page.where(row)} · KL ${Page.pair(row, "kl")} nats` + (proxy ? ` · scored by ${proxy}` : "");
    find("scores").replaceChildren(...["gold", "proxy", "rubric"].map((name) => score(name, Page.pair(row, name, true))),
      score("win rate", Page.pair(row, "win_rate")));
    find("cell").value = Page.value(row, "cell");
    const along = of(Page.value(row, "cell")), at = along.indexOf(row);
    find("previous").disabled = at <= 0;
    find("next").disabled = at >= along.length - 1;
    find("place").textContent = `policy ${at + 1} of ${along.length}, by KL`;
    const columns = Object.keys(Page.rows.columns).filter((name) => Page.value(row, name) !== null);
    find("row").replaceChildren(...columns.map((name) => {
      const line = make("div");
      line.append(make("dt", "", name), make("dd", "", String(Page.value(row, name))));
      return line;
    }));
  }
  function score(name, value) {
    const span = make("span", "", `${name} `);
    span.append(make("b", "", value));
    return span;
  }

  function changed() {
    const body = find("changed"), now = (name) => Page.value(row, name);
    const lines = [["length", "tokens a response", 1], ["repetition", "share of repeated trigrams", 3], ["distinct2", "distinct bigrams", 3]];
    body.replaceChildren();
    const list = make("p", "scores");
    for (const [name, words, digits] of lines) {
      const before = common?.text[name];
      if (now(name) === null || before === undefined) continue;
      list.append(score(words, `${Page.number(before, digits)} → ${Page.number(now(name), digits)}`));
    }
    body.append(list);
    if (!own) return body.append(make("p", "note", "No samples of this policy are stored in the page."));
    if (!own.grams.length) return body.append(make("p", "note", "No n-gram is used much more often than π_ref uses it."));
    const table = make("table", "grams"), top = Math.log(Math.max(...own.grams.map((g) => g[3])));
    const header = table.createTHead().insertRow(), under = table.createTBody();
    for (const title of ["over-used", "per 1000 words", "π_ref's", "ratio"]) {
      const cell = make("th", "", title);
      cell.scope = "col";
      header.append(cell);
    }
    for (const [text, rate, reference, ratio] of own.grams) {
      const line = under.insertRow();
      line.append(make("th", "", text), make("td", "", String(rate)), make("td", "", String(reference)));
      const bar = make("td", "bar", `× ${ratio >= 10 ? Math.round(ratio) : ratio.toFixed(1)}`);
      bar.style.setProperty("--share", `${(100 * Math.log(ratio)) / top}%`);
      line.append(bar);
      line.cells[0].scope = "row";
    }
    body.append(table);
  }

  function marked(text) {
    const element = make("p", "response"), words = text.split(/(\s+)/), lit = new Set();
    const at = words.map((w, i) => i).filter((i) => words[i].trim());
    for (const [gram] of own.grams) {
      const wanted = gram.split(" ");
      for (let k = 0; k + wanted.length <= at.length; k++) {
        if (wanted.every((w, j) => words[at[k + j]] === w)) wanted.forEach((_, j) => lit.add(at[k + j]));
      }
    }
    words.forEach((word, i) => element.append(lit.has(i) ? make("mark", "", word) : word));
    return element;
  }

  const side = (title, response, columns, k) => {
    const box = make("div", "side");
    box.append(make("h4", "", title), response);
    const scores = make("p", "scores");
    for (const name of ["gold", "proxy", "rubric"]) scores.append(score(name, Page.number(columns[name][k], 2, true)));
    scores.append(score("tokens", String(columns.n_tokens[k])));
    const parts = make("p", "parts");
    common.parts.forEach((name, p) => {
      const v = columns.parts[p][k];
      if (v) parts.append(make("span", v > 0 ? "up" : "down", `${name} ${Page.number(v, 2, true)}`));
    });
    box.append(scores, parts);
    return box;
  };

  const keys = {
    gap: (s, k) => s.gold[k] - s.proxy[k], proxy: (s, k) => -s.proxy[k],
    gold: (s, k) => s.gold[k], length: (s, k) => -s.n_tokens[k],
  };
  function samples() {
    const body = find("samples"), query = find("search").value.toLowerCase(), sort = keys[find("sort").value];
    body.replaceChildren();
    if (!own) { find("count").textContent = ""; return; }
    const s = own.samples, all = s.response.map((_, k) => k);
    const kept = all.filter((k) => `${common.prompts[s.place[k]]} ${s.response[k]}`.toLowerCase().includes(query));
    kept.sort((a, b) => sort(s, a) - sort(s, b) || a - b);
    find("count").textContent = `${kept.length} of ${all.length} samples`;
    for (const k of kept) {
      const card = make("article", "sample");
      const gap = make("p", "gap", `gap ${Page.number(s.proxy[k] - s.gold[k], 2, true)}`);
      gap.append(make("span", "", s.largest[k] ? "among the largest gaps" : "drawn at random"));
      const pair = make("div", "pair"), r = common.reference, theirs = r.place.map((_, j) => j).filter((j) => r.place[j] === s.place[k]);
      pair.append(side("this policy", marked(s.response[k]), s, k));
      if (theirs.length) pair.append(side("π_ref", make("p", "response", r.response[theirs[0]]), r, theirs[0]));
      card.append(make("h3", "prompt", common.prompts[s.place[k]]), gap, pair);
      if (theirs.length > 1) {
        const more = make("details");
        more.append(make("summary", "", `${theirs.length - 1} more of π_ref's`));
        theirs.slice(1).forEach((j) => more.append(side("π_ref", make("p", "response", r.response[j]), r, j)));
        card.append(more);
      }
      body.append(card);
    }
  }

  for (const cell of cells) {
    const option = make("option", "", cell);
    option.value = cell;
    find("cell").append(option);
  }
  const step = (by) => {
    const along = of(Page.value(row, "cell")), next = along[along.indexOf(row) + by];
    if (next !== undefined) open(Page.rows.ids[next]);
  };
  find("cell").addEventListener("change", (event) => open(Page.rows.ids[of(event.target.value).at(-1)]));
  find("previous").addEventListener("click", () => step(-1));
  find("next").addEventListener("click", () => step(1));
  find("close").addEventListener("click", close);
  find("sort").addEventListener("change", samples);
  find("search").addEventListener("input", samples);
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (["INPUT", "SELECT"].includes(event.target.tagName)) return;
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  const follow = () => location.hash.startsWith("#row=") && open(decodeURIComponent(location.hash.slice(5)));
  window.addEventListener("hashchange", follow);
  follow();
  return { open, close };
})();
