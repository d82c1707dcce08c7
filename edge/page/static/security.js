// Security staff's page: alerts as they are committed, lanes as they stand, acknowledgements back to the box.
import { alertCard, escalates, gapRow, kindWord, laneTile } from "/static/alerts.js";
import { element, get, me, post, showConnection, stream } from "/static/net.js";
import { alarm, call, unlockSound } from "/static/sound.js";
import { clock, other, settle, t } from "/static/words.js";

const at = (id) => document.getElementById(id);
const QUIET_MS = 10_000; // between two sounds or two notifications, whatever comes in
const REMIND_MS = 60_000;
const KINDS = ["unchecked_sale", "unseen_customer", "camera_blind", "till_silent", "assistance", "test"];
const alerts = new Map();
let gaps = [];
let lanes = [];
let history = false;
let soundAt = 0;
let remindedAt = 0;
let chosen = null;

const who = await me();
if (!who.signedIn) location.assign("/signin");
settle(who.language);

function take(alert) {
  const known = alerts.get(alert.alert);
  alerts.set(alert.alert, { ...known, ...alert, acknowledged: alert.acknowledged ?? known?.acknowledged ?? null });
  return known === undefined;
}

const time = (alert) => new Date(alert.raised ?? alert.to ?? alert.from);
const fits = (alert) =>
  ["lane", "kind", "severity"].every((part) => !at(`filter-${part}`).value || at(`filter-${part}`).value === alert[part]);

function draw() {
  const open = [...alerts.values()].filter((alert) => !alert.acknowledged);
  at("count").textContent = open.length;
  document.title = open.length ? `(${open.length}) ${t("alerts")}` : t("alerts");
  const shown = [...alerts.values()].filter((alert) => (history || !alert.acknowledged) && fits(alert));
  const rows = shown.map((alert) => [time(alert), alert]);
  if (history && !at("filter-kind").value && !at("filter-severity").value)
    for (const gap of gaps) if (!at("filter-lane").value || at("filter-lane").value === gap.lane) rows.push([new Date(gap.from), gap]);
  rows.sort((a, b) => b[0] - a[0]);
  place(rows.map(([, row]) =>
    row.alert
      ? alertCard(row, { may: who.may, minutes: who.escalate_minutes, onAcknowledge: ask, onExplain: explain })
      : gapRow(row)));
  at("nothing").hidden = rows.length > 0;
  at("nothing").textContent = t(history ? "nothing_history" : "nothing_open");
}

// What looks as before stays the same element, so that nobody's finger or focus meets a new one.
function place(cards) {
  const list = at("list");
  const before = new Map([...list.children].map((card) => [card.outerHTML, card]));
  const after = cards.map((card) => before.get(card.outerHTML) ?? card);
  const stays = new Set(after);
  for (const card of [...list.children]) if (!stays.has(card)) card.remove();
  after.forEach((card, index) => {
    if (list.children[index] !== card) list.insertBefore(card, list.children[index] ?? null);
  });
}

function drawLanes() {
  at("lanes").replaceChildren(...lanes.map(laneTile));
}

function drawFilters() {
  const fill = (id, first, options) => {
    const before = at(id).value;
    at(id).replaceChildren(element("option", { value: "" }, t(first)), ...options.map(([value, word]) => element("option", { value }, word)));
    at(id).value = options.some(([value]) => value === before) ? before : "";
  };
  fill("filter-lane", "all_lanes", lanes.map(({ lane }) => [lane, lane]));
  fill("filter-kind", "all_kinds", KINDS.map((kind) => [kind, kindWord(kind)]));
  fill("filter-severity", "all_severities", ["high", "medium", "low"].map((one) => [one, t(one)]));
}

function sound(alert) {
  if (Date.now() - soundAt < QUIET_MS && alert.kind !== "assistance") return;
  soundAt = Date.now();
  (alert.kind === "assistance" ? call : alarm)();
  if (globalThis.Notification?.permission === "granted" && document.hidden)
    new Notification(`${alert.lane}: ${kindWord(alert.kind)}`, { tag: alert.alert, body: alert.receipt ?? "" });
}

function heard(name, data) {
  if (name === "state") {
    const before = lanes.map(({ lane }) => lane).join();
    lanes = data.lanes;
    if (lanes.map(({ lane }) => lane).join() !== before) drawFilters();
    drawLanes();
    at("notices").hidden = data.notices.length === 0;
    at("notices").replaceChildren(...data.notices.map((text) => element("p", {}, text)));
  } else if (name === "reset") {
    load();
  } else if (data.type === "alert") {
    if (take({ ...data.alert, raised: data.at })) sound(data.alert);
    draw();
  } else if (data.type === "acknowledged" && alerts.has(data.alert)) {
    alerts.get(data.alert).acknowledged = data.acknowledged;
    draw();
  }
}

async function load() {
  const told = await get("/api/alerts");
  alerts.clear();
  for (const alert of told.alerts) take(alert);
  gaps = told.gaps;
  draw();
  return told.position;
}

function ask(alert) {
  chosen = alert;
  at("acknowledge").querySelector("form").reset();
  at("acknowledge-what").textContent = `${alert.lane} · ${kindWord(alert.kind)} · ${clock(time(alert))}`;
  at("acknowledge-by").value = localStorage.getItem("by") || who.name;
  at("acknowledge-told").hidden = true;
  at("acknowledge").showModal();
}

async function acknowledge(event) {
  event.preventDefault();
  const outcome = at("acknowledge").querySelector("input[name=outcome]:checked").value;
  const by = at("acknowledge-by").value.trim();
  at("acknowledge-save").disabled = true;
  try {
    const done = await post(`/api/alerts/${encodeURIComponent(chosen.alert)}/acknowledge`, { outcome, by, note: at("acknowledge-note").value });
    localStorage.setItem("by", by);
    alerts.get(chosen.alert).acknowledged = { ...done, at: new Date().toISOString() };
    at("acknowledge").close();
    draw();
  } catch (error) {
    at("acknowledge-told").textContent = t(error.message === "404" ? "gone" : "failed");
    at("acknowledge-told").hidden = false;
  } finally {
    at("acknowledge-save").disabled = false;
  }
}

async function explain(alert) {
  at("explain-title").textContent = `${t("receipt")} ${alert.receipt}`;
  at("explain-facts").replaceChildren();
  at("explain").showModal();
  try {
    const { facts } = await get(`/api/explain?receipt=${encodeURIComponent(alert.receipt)}`);
    at("explain-facts").replaceChildren(...facts.map((fact) => element("pre", {}, JSON.stringify(fact, null, 1))));
  } catch {
    at("explain-facts").textContent = t("failed");
  }
}

async function test() {
  at("test").disabled = true;
  try {
    const { sinks } = await post("/api/alerts/test");
    const told = sinks.map((sink) => `${sink.sink} ${sink.ok ? "✓" : `✗ ${sink.detail ?? ""}`}`).join(" · ");
    at("notices").replaceChildren(element("p", {}, t("sent", { told })));
    at("notices").hidden = false;
  } finally {
    at("test").disabled = false;
  }
}

function show(all) {
  history = all;
  at("tab-open").setAttribute("aria-selected", String(!all));
  at("tab-history").setAttribute("aria-selected", String(all));
  draw();
}

function theme() {
  const root = document.documentElement;
  const now = root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  root.dataset.theme = now === "dark" ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
}

if (localStorage.getItem("theme")) document.documentElement.dataset.theme = localStorage.getItem("theme");
if (who.role === "display" || new URLSearchParams(location.search).has("wall")) document.body.classList.add("wall");
at("signout").hidden = who.role === "display";
at("test").hidden = !who.may.test;
at("notify").hidden = globalThis.Notification?.permission !== "default";
at("notify").addEventListener("click", async () => {
  await Notification.requestPermission();
  at("notify").hidden = Notification.permission !== "default";
});
at("language").addEventListener("click", () => { other(); drawFilters(); drawLanes(); draw(); });
at("theme").addEventListener("click", theme);
at("signout").addEventListener("click", async () => { await post("/signout"); location.assign("/signin"); });
at("test").addEventListener("click", test);
at("tab-open").addEventListener("click", () => show(false));
at("tab-history").addEventListener("click", () => show(true));
for (const part of ["lane", "kind", "severity"]) at(`filter-${part}`).addEventListener("change", draw);
at("acknowledge").querySelector("form").addEventListener("submit", acknowledge);
at("acknowledge-cancel").addEventListener("click", () => at("acknowledge").close());
at("explain-close").addEventListener("click", () => at("explain").close());
unlockSound(at("sound"));
drawFilters();
stream("/api/stream", { after: await load(), names: ["state", "reset"], connected: (is) => showConnection(is, t), heard });
setInterval(() => {
  draw();
  drawLanes();
  const late = [...alerts.values()].find((alert) => escalates(alert, who.escalate_minutes));
  if (late && Date.now() - remindedAt > REMIND_MS) {
    remindedAt = Date.now();
    sound(late);
  }
}, 10_000);
