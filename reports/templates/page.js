// What every part of the page uses: its data, packed or plain; the theme; files to save.
const Page = (() => {
  const json = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "null");
  const packs = Object.fromEntries([...document.querySelectorAll("script.pack")].map((e) => [e.dataset.name, e]));
  const unpacked = {};

  async function unpack(name) {
    if (!packs[name]) return null;
    unpacked[name] ??= inflate(packs[name].textContent.trim());
    return JSON.parse(await unpacked[name]);
  }
  function inflate(base64) {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  }

  const prefers = window.matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (document.documentElement.dataset.theme ?? (prefers.matches ? "dark" : "light")) === "dark";
  const repaint = () => document.dispatchEvent(new Event("repaint"));
  prefers.addEventListener("change", repaint);
  document.getElementById("theme")?.addEventListener("click", () => {
    document.documentElement.dataset.theme = dark() ? "light" : "dark";
    repaint();
  });

  function save(name, blob) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name.split("/").pop();
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
  document.addEventListener("click", async (event) => {
    const { csv, png } = event.target.dataset ?? {};
    if (csv) save(csv, new Blob([await unpack(csv)], { type: "text/csv" }));
    if (png) {
      const base64 = document.getElementById(png).src.split(",")[1];
      save(`${png}.png`, new Blob([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], { type: "image/png" }));
    }
  });

  const folded = () => document.querySelectorAll("main details:not([open])");
  let unfolded = [];
  window.addEventListener("beforeprint", () => (unfolded = [...folded()]).forEach((e) => (e.open = true)));
  window.addEventListener("afterprint", () => unfolded.forEach((e) => (e.open = false)));

  const rows = json("rows-json") ?? { ids: [], columns: {} };
  const place = new Map(rows.ids.map((id, i) => [id, i]));
  const value = (i, column) => rows.columns[column]?.[i] ?? null;
  const names = json("names-json") ?? {};

  const number = (v, digits = 2, sign = false) =>
    v === null || v === undefined ? "–" : (sign && v >= 0 ? "+" : "") + v.toFixed(digits).replace("-", "−");
  const pair = (i, column, sign = false) => {
    const se = value(i, `${column}_se`);
    return number(value(i, column), 2, sign) + (se === null ? "" : ` ± ${se.toFixed(2)}`);
  };
  const setting = (i) => {
    const beta = value(i, "beta");
    return (names[value(i, "method")] ?? value(i, "method")) + (beta === null ? "" : ` · β ${beta}`);
  };
  const where = (i) => (value(i, "n") === null ? `step ${value(i, "step")}` : `n ${value(i, "n")}`);
  const kl = (i) => value(i, "kl") ?? value(i, "kl_analytic");

  return { json, unpack, packs, dark, rows, place, value, names, number, pair, setting, where, kl };
})();
