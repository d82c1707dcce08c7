// One alert, one gap, one lane: from plain values to what is seen. Nothing here knows the network.
import { element } from "/static/net.js";
import { gathered } from "/static/ring.js";
import { ago, clock, decimal, t } from "/static/words.js";

const BLIND = new Set(["down", "covered", "moved"]);
const KIND_WORD = { assistance: "assistance_call" };
export const kindWord = (kind) => t(KIND_WORD[kind] ?? kind);
export const placeOf = ({ box, lane }) => (box ? `${box} · ${lane}` : lane);

export function escalates(alert, minutes) {
  if (!minutes || alert.acknowledged || alert.test || gathered(alert)) return false;
  return Date.now() - new Date(alert.raised ?? alert.to ?? alert.from) > minutes * 60_000;
}

export function alertCard(alert, { may, minutes, onAcknowledge, onExplain }) {
  const late = escalates(alert, minutes);
  const raised = alert.raised ?? alert.to ?? alert.from;
  const items = (alert.items ?? []).map((item) => (typeof item === "string" ? item : item.name ?? item.sku)).join(", ");
  const recorder = /^https?:\/\//.test(alert.vms_url ?? "") ? alert.vms_url : null;
  const facts = [
    alert.receipt ? [t("receipt"), alert.receipt] : null,
    items ? [t("items"), items] : null,
    alert.cashier ? [t("cashier"), alert.cashier] : null,
  ].filter(Boolean);
  const done = alert.acknowledged;
  return element(
    "article",
    { class: `alert ${alert.severity} ${done ? "done" : ""} ${late ? "late" : ""} ${alert.test ? "is-test" : ""}`, "data-alert": alert.alert },
    element("div", { class: "where" }, element("b", {}, placeOf(alert)), element("span", { class: "severity" }, t(alert.test ? "test_only" : alert.severity))),
    element(
      "div",
      { class: "what" },
      element("h2", {}, alert.test ? t("test") : kindWord(alert.kind)),
      alert.test ? element("p", {}, t("test_told")) : null,
      alert.kind === "camera_blind" && BLIND.has(alert.reason) ? element("p", {}, t(`blind_${alert.reason}`)) : null,
      element("p", { class: "when" }, element("time", { datetime: raised }, clock(raised)), ` · ${ago(raised)}`,
        alert.open && !done ? ` · ${t("going_on")}` : ""),
      late ? element("p", { class: "nobody" }, t("nobody", { n: Math.floor((Date.now() - new Date(raised)) / 60_000) })) : null,
      alert.escalated ? element("p", {}, t("passed_on_at", { time: clock(alert.escalated) })) : null,
      alert.count > 1 || alert.kind === "camera_blind" ? element("p", {}, t("sales", { n: alert.count })) : null,
      facts.length ? element("dl", {}, ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])) : null,
      done ? element("p", { class: "outcome" }, [t(done.outcome), done.by, done.at ? clock(done.at) : "", done.note].filter(Boolean).join(" · ")) : null,
    ),
    element(
      "div",
      { class: "acts" },
      may.acknowledge && !alert.test ? element("button", { type: "button", class: done ? "plain" : "primary", on: { click: () => onAcknowledge(alert) } }, t(done ? "correct" : "acknowledge")) : null,
      may.explain && alert.receipt && !alert.elsewhere ? element("button", { type: "button", class: "plain", on: { click: () => onExplain(alert) } }, t("explain")) : null,
      recorder ? element("a", { href: recorder, target: "_blank", rel: "noopener noreferrer" }, t("recorder")) : null,
    ),
  );
}

export function gapRow(gap) {
  const span = `${clock(gap.from)} ${t("until")} ${gap.to ? clock(gap.to) : t("now")}`;
  return element("article", { class: "gap-row" }, element("b", {}, gap.lane), element("span", {}, t(`gap_${gap.kind}`)), element("span", { class: "quiet" }, span));
}

const reasons = (found) => Object.entries(found ?? {}).map(([reason, n]) => `${t(`unseen_${reason}`)}: ${n}`).join(" · ");

// A shift that is over: told once, at its end.
export function digestRow(digest) {
  return element(
    "article",
    { class: "digest" },
    element("h2", {}, t("digest", { n: digest.count, of: digest.sales })),
    element("p", { class: "quiet" }, [digest.box, `${clock(digest.from)} ${t("until")} ${clock(digest.to)}`].filter(Boolean).join(" · ")),
    ...digest.lanes.map((lane) => element("p", {}, element("b", {}, lane.lane), ` ${t("of_sales", { n: lane.count, of: lane.sales })}`, element("span", { class: "quiet" }, ` ${reasons(lane.reasons)}`))),
  );
}

// The shift that runs: sales that call nobody each, counted where everybody sees them.
export function shiftCard(alerts, { since, open, onToggle }) {
  const lanes = new Map();
  for (const alert of alerts) lanes.set(placeOf(alert), (lanes.get(placeOf(alert)) ?? 0) + 1);
  return element(
    "article",
    { class: "digest running", id: "shift" },
    element("h2", {}, t("this_shift", { n: alerts.length })),
    element("p", { class: "quiet" }, since ? t("since", { time: clock(since) }) : "",
      lanes.size ? ` · ${[...lanes].map(([lane, n]) => `${lane}: ${n}`).join(" · ")}` : ""),
    element("button", { type: "button", class: "plain", "aria-expanded": String(open), on: { click: onToggle } }, t(open ? "hide" : "show_each")),
  );
}

export function boxPill(box) {
  const word = { up: "box_up", waiting: "box_waiting", silent: "box_silent", offline: "box_offline" }[box.state] ?? box.state;
  const bad = box.state === "silent" || box.state === "offline";
  const heard = bad && box.heard ? ` · ${t("heard", { time: ago(box.heard) })}` : "";
  return element("span", { class: `pill box ${bad ? "bad" : box.state === "up" ? "good" : "wait"}`, "data-box": box.box }, `${box.box}: ${t(word)}${heard}`);
}

export function parkedRow(parked, { may, onRetry }) {
  return element(
    "p",
    { class: "parked", "data-sink": parked.sink },
    element("span", {}, t("parked", { sink: parked.sink, n: parked.count, reason: parked.reason, time: ago(parked.oldest) })),
    may.retry ? element("button", { type: "button", class: "control", on: { click: () => onRetry(parked.sink) } }, t("retry")) : null,
  );
}

const GOOD = new Set(["up"]);
const BAD = new Set(["down", "silent"]);
const tone = (state) => (GOOD.has(state) ? "good" : BAD.has(state) ? "bad" : "wait");

const CLOCK_NEAR_S = 1;
function clockLine(estimate) {
  if (!estimate || estimate.offset_s === null || estimate.offset_s === undefined) return null;
  const off = estimate.offset_s - estimate.configured_s;
  const values = { off: `${off > 0 ? "+" : ""}${decimal(off, 1)}`, n: estimate.receipts };
  return element("p", { class: Math.abs(off) > CLOCK_NEAR_S ? "clock bad-clock small" : "clock quiet small" }, t(Math.abs(off) > CLOCK_NEAR_S ? "clock_off" : "clock_right", values));
}

// A camera that changed goes on judging: its tile is no alarm, and says what to look at.
const WARNINGS = ["moved", "soiled", "drift"];
const warningLines = (kinds = []) => WARNINGS.filter((kind) => kinds.includes(kind))
  .map((kind) => element("p", { class: "warned", "data-warning": kind }, element("span", { "aria-hidden": "true" }, "⚠ "), t(`camera_${kind}`)));

const percent = (share) => decimal(100 * share, 0);
const LABELLED = ["unchecked_sale", "unseen_customer", "camera_blind", "till_silent"];

// How often alerts were right, as far as staff has said. One line a kind; a kind nobody judged says so.
export function labelLines(labels, box) {
  const rows = LABELLED.map((kind) => labels.find((one) => one.kind === kind)).filter(Boolean);
  if (rows.length === 0) return [];
  return [element("h2", {}, [t("labels"), box].filter(Boolean).join(" · ")),
    ...rows.map((one) => {
      const n = one.checked + one.false_alarm;
      const said = n === 0 ? t("labels_none") : t("labels_right", { right: one.checked, n, share: percent(one.precision), low: percent(one.low), high: percent(one.high) });
      return element("p", { "data-kind": one.kind }, element("b", {}, kindWord(one.kind)), `: ${said}`,
        element("span", { class: "quiet" }, ` · ${t("labels_rest", { wrong: one.false_alarm, escalated: one.escalated, unlabelled: one.unlabelled })}`));
    }),
    element("p", { class: "quiet small" }, t("labels_note"))];
}

export function laneTile(lane) {
  const { camera, till } = lane;
  if (lane.box_state === "silent" || lane.box_state === "offline")
    return element("article", { class: "tile bad gone", "data-lane": lane.lane, "data-box": lane.box }, element("h2", {}, placeOf(lane)),
      element("p", { class: "part bad" }, element("i", { "aria-hidden": "true" }), t("box_gone")),
      element("p", { class: "quiet small" }, t("box_gone_told")));
  const part = (word, state, more) =>
    element("p", { class: `part ${tone(state)}` }, element("i", { "aria-hidden": "true" }), `${t(word)}: ${t(state)}`, more ? element("span", { class: "quiet" }, more) : null);
  return element(
    "article",
    { class: `tile ${tone(camera.state) === "bad" || tone(till.state) === "bad" ? "bad" : camera.warnings?.length ? "wait" : ""}`, "data-lane": lane.lane, "data-box": lane.box },
    element("h2", {}, placeOf(lane), lane.asks ? element("span", { class: "pill ask-pill" }, t("asks")) : null),
    part("camera", camera.state, camera.state === "up" && camera.fps !== null ? t("fps", { n: Math.round(camera.fps) }) : ""),
    ...warningLines(camera.warnings),
    part("till", till.state, till.last ? ago(till.last) : ""),
    element("p", { class: "part" }, `${t("last_customer")}: `, lane.last_customer ? ago(lane.last_customer) : t("never")),
    clockLine(lane.clock),
    lane.checks === "none" ? element("p", { class: "quiet small" }, t("unreported")) : null,
  );
}
