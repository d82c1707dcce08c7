// One alert, one gap, one lane: from plain values to what is seen. Nothing here knows the network.
import { element } from "/static/net.js";
import { ago, clock, t } from "/static/words.js";

const KIND_WORD = { assistance: "assistance_call" };
export const kindWord = (kind) => t(KIND_WORD[kind] ?? kind);

export function escalates(alert, minutes) {
  if (!minutes || alert.acknowledged || alert.kind === "test") return false;
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
    { class: `alert ${alert.severity} ${done ? "done" : ""} ${late ? "late" : ""}`, "data-alert": alert.alert },
    element("div", { class: "where" }, element("b", {}, alert.lane), element("span", { class: "severity" }, t(alert.severity))),
    element(
      "div",
      { class: "what" },
      element("h2", {}, kindWord(alert.kind)),
      element("p", { class: "when" }, element("time", { datetime: raised }, clock(raised)), ` · ${ago(raised)}`,
        alert.open && !done ? ` · ${t("going_on")}` : ""),
      late ? element("p", { class: "nobody" }, t("nobody", { n: Math.floor((Date.now() - new Date(raised)) / 60_000) })) : null,
      alert.count > 1 || alert.kind === "camera_blind" ? element("p", {}, t("sales", { n: alert.count })) : null,
      facts.length ? element("dl", {}, ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])) : null,
      done ? element("p", { class: "outcome" }, [t(done.outcome), done.by, done.at ? clock(done.at) : "", done.note].filter(Boolean).join(" · ")) : null,
    ),
    element(
      "div",
      { class: "acts" },
      may.acknowledge ? element("button", { type: "button", class: done ? "plain" : "primary", on: { click: () => onAcknowledge(alert) } }, t(done ? "correct" : "acknowledge")) : null,
      may.explain && alert.receipt ? element("button", { type: "button", class: "plain", on: { click: () => onExplain(alert) } }, t("explain")) : null,
      recorder ? element("a", { href: recorder, target: "_blank", rel: "noopener noreferrer" }, t("recorder")) : null,
    ),
  );
}

export function gapRow(gap) {
  const span = `${clock(gap.from)} ${t("until")} ${gap.to ? clock(gap.to) : t("now")}`;
  return element("article", { class: "gap-row" }, element("b", {}, gap.lane), element("span", {}, t(`gap_${gap.kind}`)), element("span", { class: "quiet" }, span));
}

const GOOD = new Set(["up"]);
const BAD = new Set(["down", "silent"]);
const tone = (state) => (GOOD.has(state) ? "good" : BAD.has(state) ? "bad" : "wait");

export function laneTile(lane) {
  const { camera, till } = lane;
  const part = (word, state, more) =>
    element("p", { class: `part ${tone(state)}` }, element("i", { "aria-hidden": "true" }), `${t(word)}: ${t(state)}`, more ? element("span", { class: "quiet" }, more) : null);
  return element(
    "article",
    { class: `tile ${tone(camera.state) === "bad" || tone(till.state) === "bad" ? "bad" : ""}`, "data-lane": lane.lane },
    element("h2", {}, lane.lane, lane.asks ? element("span", { class: "pill ask-pill" }, t("asks")) : null),
    part("camera", camera.state, camera.state === "up" && camera.fps !== null ? t("fps", { n: Math.round(camera.fps) }) : ""),
    part("till", till.state, till.last ? ago(till.last) : ""),
    element("p", { class: "part" }, `${t("last_customer")}: `, lane.last_customer ? ago(lane.last_customer) : t("never")),
    lane.checks === "none" ? element("p", { class: "quiet small" }, t("unreported")) : null,
  );
}
