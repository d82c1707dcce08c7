// The manager's week: challenges made of challenges due, by lane and by cashier, and a sign-off into the register.
import { element, get, me, post } from "/static/net.js";
import { clock, decimal, other, settle, t } from "/static/words.js";

const at = (id) => document.getElementById(id);
const percent = (share) => `${Math.round(100 * share)} %`;
let report = null;

const between = ({ interval }) => (interval ? t("interval", { low: percent(interval[0]), high: percent(interval[1]) }) : "");
const delay = ({ delay_s }) => (delay_s ? t("seconds", { n: decimal(delay_s.median, 1) }) : t("not_enough"));

function share(figures) {
  if (figures.due === 0) return t("none_due");
  if (figures.share === null) return t("not_enough_of", { n: figures.due, needed: figures.needed });
  return percent(figures.share);
}

function table(first, rows) {
  const names = [first, "share_made", "interval_name", "made_of_due", "refusals", "hasty", "delay", "sales_name"];
  const numbers = new Set(["refusals", "hasty", "sales_name", "made_of_due"]);
  const head = element("tr", {}, ...names.map((name) => element("th", { class: numbers.has(name) ? "number" : null }, t(name))));
  const body = rows.map(([name, one]) =>
    element("tr", {}, element("td", {}, element("b", {}, name)), element("td", {}, share(one)),
      element("td", {}, between(one)),
      element("td", { class: "number" }, `${one.made} / ${one.due}`),
      ...[one.refused, one.hasty].map((n) => element("td", { class: "number" }, String(n))),
      element("td", {}, delay(one)), element("td", { class: "number" }, String(one.sales))));
  return rows.length ? element("table", {}, element("thead", {}, head), element("tbody", {}, ...body)) : element("p", { class: "quiet" }, t("nothing_history"));
}

function draw() {
  if (report === null) return;
  const { all } = report;
  document.title = `${t("week")} ${report.week}`;
  at("share").textContent = share(all);
  at("interval").textContent = [all.interval ? `${t("interval_name")}: ${between(all)}` : "", t("made_of_due_long", { made: all.made, due: all.due })].filter(Boolean).join(" · ");
  const figures = [["sales_name", all.sales], ["refusals", all.refused], ["hasty", all.hasty], ["delay", delay(all)],
    ["known_name", all.known], ["outcome_unchecked", all.outcomes.unchecked], ["outcome_unseen", all.outcomes.unseen]];
  at("figures").replaceChildren(...figures.map(([name, value]) => element("p", {}, element("b", {}, String(value)), element("span", { class: "quiet" }, t(name)))));
  at("lanes").replaceChildren(table("lane", report.lanes.map((one) => [one.lane, one])));
  at("unreported").hidden = report.unreported.length === 0;
  at("unreported").textContent = t("unreported_lanes", { lanes: report.unreported.join(", ") });
  at("blind").hidden = report.blind.length === 0;
  at("blind").textContent = report.blind.map((gap) => `${gap.lane}: ${t(`gap_${gap.kind}`)} ${t("minutes", { n: gap.minutes })}`).join(" · ");
  at("cashiers").replaceChildren(table("cashier", report.cashiers.map((one) => [one.cashier, one])));
  at("signed").replaceChildren(...(report.signed.length
    ? report.signed.map((one) => element("p", {}, t("signed_by", { by: one.by, time: clock(one.at), n: one.number })))
    : [element("p", { class: "quiet" }, t("signed_by_nobody"))]));
  at("sign").hidden = !report.over || report.signed.some(({ by }) => by === who.name);
  at("not-over").hidden = report.over;
}

async function load() {
  at("told").hidden = true;
  try {
    report = await get(`/api/weeks/${encodeURIComponent(at("weeks").value)}`);
    draw();
  } catch {
    at("told").textContent = t("failed");
    at("told").hidden = false;
  }
}

async function sign() {
  at("sign").disabled = true;
  try {
    await post(`/api/weeks/${encodeURIComponent(report.week)}/sign`);
    await load();
  } catch {
    at("told").textContent = t("failed");
    at("told").hidden = false;
  } finally {
    at("sign").disabled = false;
  }
}

const who = await me();
if (!who.signedIn) location.assign("/signin");
settle(who.language);
if (localStorage.getItem("theme")) document.documentElement.dataset.theme = localStorage.getItem("theme");
at("language").addEventListener("click", () => { other(); draw(); });
at("signout").addEventListener("click", async () => { await post("/signout"); location.assign("/signin"); });
at("sign").addEventListener("click", sign);
at("weeks").addEventListener("change", load);
const { weeks } = await get("/api/weeks");
at("weeks").replaceChildren(...weeks.map((week) => element("option", { value: week }, week)));
const asked = new URLSearchParams(location.search).get("week");
at("weeks").value = weeks.includes(asked) ? asked : weeks[Math.min(1, weeks.length - 1)]; // the newest that is over
await load();
