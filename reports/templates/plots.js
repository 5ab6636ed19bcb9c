// Draws each panel when it comes near the screen, in the page's theme, without the methods that are switched off.
const Plots = (() => {
  const figures = Page.json("figures-json") ?? {};
  const off = new Set();
  const sans = getComputedStyle(document.documentElement).getPropertyValue("--sans").trim();
  const probe = document.body.appendChild(document.createElement("i"));
  const color = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };

  const isColor = (v) => v && typeof v === "object" && "light" in v && "dark" in v;
  function themed(v, dark) {
    if (isColor(v)) return dark ? v.dark : v.light;
    if (Array.isArray(v)) return v.length && typeof v[0] === "object" ? v.map((w) => themed(w, dark)) : v;
    if (v && typeof v === "object") return Object.fromEntries(Object.entries(v).map(([k, w]) => [k, themed(w, dark)]));
    return v;
  }

  const escaped = (s) => String(s).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  function hover(i) {
    if (i < 0) return "";
    const proxy = Page.value(i, "proxy_id");
    const run = Page.value(i, "run"), texts = Page.packs[`cell/${Page.value(i, "cell")}`] ? ". Click: its texts" : "";
    const lines = [
      ...(run ? [escaped(run)] : []),
      `<b>${escaped(Page.setting(i))}</b> · replicate ${Page.value(i, "replicate") ?? 0} · ${escaped(Page.where(i))}`,
      `KL ${Page.pair(i, "kl")} nats` + (Page.kl(i) === null ? "" : ` · d ${Math.sqrt(Math.max(Page.kl(i), 0)).toFixed(2)}`),
      `gold ${Page.pair(i, "gold", true)} · proxy ${Page.pair(i, "proxy", true)}`,
      `rubric ${Page.pair(i, "rubric", true)}` + (proxy ? ` · ${escaped(proxy)}` : ""),
      `± one standard error${texts}`,
    ];
    return lines.join("<br>");
  }

  function trace(t) {
    const trace = { ...t, visible: !off.has(t.meta.method) };
    if (t.meta.rows) {
      trace.text = t.meta.rows.map(hover);
      trace.hovertemplate = "%{text}<extra></extra>";
    }
    return trace;
  }

  function draw(element) {
    const panel = themed(figures[element.dataset.figure][Number(element.dataset.panel)], Page.dark());
    const layout = {
      ...panel.layout,
      showlegend: false,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: sans, size: 11, color: color("--soft") },
      margin: { l: 44, r: 10, t: panel.layout.xaxis2 ? 38 : 10, b: 38 },
      hovermode: "closest",
      hoverdistance: 14,
      dragmode: false,
      hoverlabel: {
        bgcolor: color("--raised"), bordercolor: color("--rule"), align: "left",
        font: { color: color("--ink"), size: 11.5, family: sans },
      },
    };
    for (const name of ["xaxis", "yaxis", "xaxis2"]) {
      if (layout[name]) layout[name] = { ...layout[name], fixedrange: true };
    }
    layout.yaxis = { ...layout.yaxis, gridcolor: color("--rule") };
    const config = { displayModeBar: false, responsive: true, scrollZoom: false };
    Plotly.react(element, panel.data.map(trace), layout, config);
    if (!element.dataset.drawn) {
      element.dataset.drawn = "yes";
      element.on("plotly_click", (event) => {
        const point = event.points[0];
        const i = point.data.meta.rows?.[point.pointNumber] ?? -1;
        if (i >= 0) Drawer.open(Page.rows.ids[i]);
      });
    }
  }

  const near = new Set();
  const watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) { near.delete(target); continue; }
      near.add(target);
      if (target.dataset.stale !== "no") { draw(target); target.dataset.stale = "no"; }
    }
  }, { rootMargin: "400px" });
  const all = [...document.querySelectorAll(".plot")];
  all.forEach((element) => watcher.observe(element));

  function refresh() {
    for (const element of all) {
      element.dataset.stale = "yes";
      const methods = figures[element.dataset.figure][Number(element.dataset.panel)].data.map((t) => t.meta.method);
      const own = methods.filter(Boolean);
      element.closest(".panel").hidden = own.length > 0 && own.every((m) => off.has(m));
      if (near.has(element)) { draw(element); element.dataset.stale = "no"; }
    }
  }
  document.addEventListener("repaint", refresh);

  function toggle(method) {
    off.has(method) ? off.delete(method) : off.add(method);
    for (const button of document.querySelectorAll("button[data-method]")) {
      button.setAttribute("aria-pressed", String(!off.has(button.dataset.method)));
    }
    refresh();
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-method]");
    if (button) toggle(button.dataset.method);
    if (event.target.id === "all-methods") [...off].forEach(toggle);
  });

  return { toggle, off };
})();
