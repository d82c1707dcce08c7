// Security staff's page: alerts as they are committed, lanes as they stand, acknowledgements back to the box.
import { alertCard, boxPill, digestRow, escalates, gapRow, kindWord, labelLines, laneTile, parkedRow, placeOf, shiftCard } from "/static/alerts.js";
import { explained } from "/static/explain.js";
import { element, get, me, post, showConnection, stream } from "/static/net.js";
import { bell, gathered } from "/static/ring.js";
import { alarm, call, unlockSound } from "/static/sound.js";
import { clock, other, settle, t } from "/static/words.js";

const at = (id) => document.getElementById(id);
const REMIND_MS = 60_000;
const TEST_STANDS_MS = 120_000; // then a test alert is history
const KINDS = ["unchecked_sale", "unseen_customer", "camera_blind", "till_silent", "assistance"];
const rings = bell();
const alerts = new Map();
let gaps = [];
let lanes = [];
let boxes = [];
let digests = [];
let shift = null;
let labels = [];
let eachUnseen = false;
let parked = [];
let parkedShown = "";
let history = false;
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
  ["box", "kind", "severity"].every((part) => !at(`filter-${part}`).value || at(`filter-${part}`).value === alert[part]) &&
  (!at("filter-lane").value || at("filter-lane").value === placeOf(alert));
const isOpen = (alert) => !alert.acknowledged && (!alert.test || Date.now() - time(alert) < TEST_STANDS_MS);
const inShift = (alert) => gathered(alert) && !alert.acknowledged && shift && time(alert) >= new Date(shift.from);

function draw() {
  const unseen = [...alerts.values()].filter((alert) => inShift(alert) && fits(alert));
  // Unseen sales of earlier shifts stand in their digests and in the history.
  const calls = (alert) => isOpen(alert) && (!gathered(alert) || (eachUnseen && inShift(alert)));
  const open = [...alerts.values()].filter((alert) => isOpen(alert) && !gathered(alert) && !alert.test);
  at("count").textContent = open.length;
  document.title = open.length ? `(${open.length}) ${t("alerts")}` : t("alerts");
  const shown = [...alerts.values()].filter((alert) => (history || calls(alert)) && fits(alert));
  const rows = shown.map((alert) => [time(alert), alert]);
  const own = boxes.length ? boxes[0].box : undefined;
  if (history && !at("filter-kind").value && !at("filter-severity").value) {
    for (const gap of gaps) if (fits({ ...gap, box: own, kind: "", severity: "" })) rows.push([new Date(gap.from), { ...gap, box: own }]);
    for (const digest of digests) if (!at("filter-lane").value && (!at("filter-box").value || at("filter-box").value === digest.box)) rows.push([new Date(digest.to), { digest }]);
  }
  rows.sort((a, b) => b[0] - a[0]);
  const cards = rows.map(([, row]) =>
    row.alert ? alertCard(row, { may: who.may, minutes: who.escalate_minutes, onAcknowledge: ask, onExplain: explain })
      : row.digest ? digestRow(row.digest) : gapRow(row));
  if (!history && unseen.length) cards.push(shiftCard(unseen, { since: shift.from, open: eachUnseen, onToggle: () => { eachUnseen = !eachUnseen; draw(); } }));
  if (!history) cards.push(...digests.filter(({ to }) => shift && to === shift.from).map(digestRow));
  place(cards);
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
  const wanted = at("filter-box").value;
  at("lanes").replaceChildren(...lanes.filter(({ box }) => !wanted || box === wanted).map(laneTile));
  at("boxes").hidden = boxes.length === 0;
  at("boxes").replaceChildren(...boxes.map(boxPill));
}

// Of this box's own alerts; another box counts its own.
function drawLabels() {
  const lines = labelLines(labels, boxes.length ? boxes[0].box : "");
  at("labels").hidden = !history || lines.length === 0;
  at("labels").replaceChildren(...lines);
}

function drawParked() {
  const text = JSON.stringify([document.documentElement.lang, parked]);
  at("parked").hidden = parked.length === 0;
  if (text === parkedShown) return; // nobody's finger meets a new button
  parkedShown = text;
  at("parked").replaceChildren(...parked.map((one) => parkedRow(one, { may: who.may, onRetry: retry })));
}

async function retry(sink) {
  for (const button of at("parked").querySelectorAll("button")) button.disabled = true;
  try {
    const { sent, left, reason } = await post(`/api/parked/${encodeURIComponent(sink)}/retry`);
    tell(t(left ? "retried_some" : "retried", { sent, left, reason: reason ?? "" }));
  } catch {
    tell(t("failed"));
  } finally {
    for (const button of at("parked").querySelectorAll("button")) button.disabled = false;
  }
}

let toldUntil = null;
function tell(text) {
  at("told").replaceChildren(element("p", {}, text));
  at("told").hidden = false;
  clearTimeout(toldUntil);
  toldUntil = setTimeout(() => { at("told").hidden = true; }, 20_000);
}

function drawFilters() {
  const fill = (id, first, options) => {
    const before = at(id).value;
    at(id).replaceChildren(element("option", { value: "" }, t(first)), ...options.map(([value, word]) => element("option", { value }, word)));
    at(id).value = options.some(([value]) => value === before) ? before : "";
  };
  at("filter-box").hidden = boxes.length === 0;
  fill("filter-box", "all_boxes", boxes.map(({ box }) => [box, box]));
  const within = lanes.filter(({ box }) => !at("filter-box").value || box === at("filter-box").value);
  fill("filter-lane", "all_lanes", within.map((lane) => [placeOf(lane), placeOf(lane)]));
  fill("filter-kind", "all_kinds", KINDS.map((kind) => [kind, kindWord(kind)]));
  fill("filter-severity", "all_severities", ["high", "medium", "low"].map((one) => [one, t(one)]));
}

function sound(alert) {
  const ring = rings(alert);
  if (ring === null) return;
  (ring === "call" ? call : alarm)();
  if (globalThis.Notification?.permission === "granted" && document.hidden)
    new Notification(`${placeOf(alert)}: ${alert.test ? t("test") : kindWord(alert.kind)}`, { tag: alert.alert, body: alert.receipt ?? "" });
}

function heard(name, data) {
  if (name === "state") {
    const before = lanes.map(placeOf).join();
    const shiftBefore = shift?.from;
    lanes = data.lanes;
    boxes = data.boxes ?? [];
    shift = data.shift ?? null;
    if (lanes.map(placeOf).join() !== before) drawFilters();
    labels = data.labels ?? [];
    drawLanes();
    drawLabels();
    parked = data.parked ?? [];
    drawParked();
    const notices = [...data.notices, ...(data.hub_lost ? [t("hub_lost", { reason: data.hub_lost })] : [])];
    at("notices").hidden = notices.length === 0;
    at("notices").replaceChildren(...notices.map((text) => element("p", {}, text)));
    if (shift?.from !== shiftBefore) draw();
  } else if (name === "reset") {
    load();
  } else if (data.type === "alert") {
    if (take({ ...data.alert, raised: data.at })) sound(data.alert);
    draw();
  } else if (data.type === "escalated" && alerts.has(data.alert)) {
    alerts.get(data.alert).escalated = data.at;
    draw();
  } else if (data.type === "digest") {
    digests = [data.digest, ...digests.filter(({ from, box }) => from !== data.digest.from || box !== data.digest.box)];
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
  digests = told.digests ?? [];
  draw();
  return told.position;
}

function ask(alert) {
  chosen = alert;
  at("acknowledge").querySelector("form").reset();
  at("acknowledge-what").textContent = `${placeOf(alert)} · ${kindWord(alert.kind)} · ${clock(time(alert))}`;
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
    const { facts } = await get(`/api/explain?receipt=${encodeURIComponent(alert.receipt)}&lane=${encodeURIComponent(alert.lane)}`);
    at("explain-facts").replaceChildren(...(facts.length ? facts.map(explained) : [element("p", {}, t("nothing_history"))]));
  } catch {
    at("explain-facts").textContent = t("failed");
  }
}

async function test() {
  at("test").disabled = true;
  try {
    const { sinks } = await post("/api/alerts/test");
    const mark = (sink) => (sink.ok ? "✓" : sink.skipped ? `– ${t("gets_none")}` : `✗ ${sink.detail ?? ""}`);
    const told = sinks.map((sink) => `${sink.sink === "page" ? t("this_page") : sink.sink} ${mark(sink)}`).join(" · ");
    tell(t("sent", { told }));
  } catch {
    tell(t("failed"));
  } finally {
    at("test").disabled = false;
  }
}

function show(all) {
  history = all;
  at("tab-open").setAttribute("aria-selected", String(!all));
  at("tab-history").setAttribute("aria-selected", String(all));
  drawLabels();
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
at("week").hidden = !who.may.week;
at("notify").hidden = globalThis.Notification?.permission !== "default";
at("notify").addEventListener("click", async () => {
  await Notification.requestPermission();
  at("notify").hidden = Notification.permission !== "default";
});
at("language").addEventListener("click", () => { other(); drawFilters(); drawLanes(); drawLabels(); drawParked(); draw(); });
at("theme").addEventListener("click", theme);
at("signout").addEventListener("click", async () => { await post("/signout"); location.assign("/signin"); });
at("test").addEventListener("click", test);
at("tab-open").addEventListener("click", () => show(false));
at("tab-history").addEventListener("click", () => show(true));
for (const part of ["lane", "kind", "severity"]) at(`filter-${part}`).addEventListener("change", draw);
at("filter-box").addEventListener("change", () => { drawFilters(); drawLanes(); draw(); });
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
