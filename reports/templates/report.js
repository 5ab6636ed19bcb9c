// Draws each panel in the page's theme, and again when the theme or the width changes.
(() => {
  const figures = JSON.parse(document.getElementById("figures-json").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const isColor = (v) => v && typeof v === "object" && "light" in v && "dark" in v;
  const themed = (v) => {
    if (isColor(v)) return dark.matches ? v.dark : v.light;
    if (Array.isArray(v)) return v.map(themed);
    if (v && typeof v === "object") return Object.fromEntries(Object.entries(v).map(([k, w]) => [k, themed(w)]));
    return v;
  };
  const config = { displaylogo: false, displayModeBar: false, responsive: true, scrollZoom: false };
  const draw = (element) => {
    const panel = themed(figures[element.dataset.figure][Number(element.dataset.panel)]);
    const css = getComputedStyle(document.documentElement);
    const value = (name) => css.getPropertyValue(name).trim();
    const layout = {
      ...panel.layout,
      showlegend: false,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: value("--sans"), size: 11, color: value("--soft") },
      margin: { l: 44, r: 10, t: panel.layout.xaxis2 ? 40 : 10, b: 40 },
      hovermode: "closest",
      dragmode: false,
      hoverlabel: { bgcolor: value("--raised"), bordercolor: value("--rule"), font: { color: value("--ink") } },
    };
    for (const name of ["xaxis", "yaxis", "xaxis2"]) {
      if (layout[name]) layout[name] = { ...layout[name], fixedrange: true };
    }
    layout.yaxis = { ...layout.yaxis, gridcolor: value("--rule") };
    Plotly.react(element, panel.data, layout, config);
  };
  const all = () => document.querySelectorAll(".plot").forEach(draw);
  all();
  dark.addEventListener("change", all);
})();
