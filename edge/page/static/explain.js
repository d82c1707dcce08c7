// Why a receipt ended as it did: the facts of `checkout-age explain`, in words and small tables.
import { element } from "/static/net.js";
import { clock, t } from "/static/words.js";

const number = (value, digits = 2) => (typeof value === "number" ? value.toFixed(digits) : "–");
const at = (time) => (time ? clock(time) : "–");

function table(names, rows) {
  const head = element("tr", {}, ...names.map((name) => element("th", {}, t(name))));
  const body = rows.map((row) => element("tr", {}, ...row.map((cell) => element("td", {}, String(cell ?? "–")))));
  return element("div", { class: "wide" }, element("table", {}, element("thead", {}, head), element("tbody", {}, ...body)));
}

function pairs(rows) {
  const shown = rows.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return element("dl", {}, ...shown.flatMap(([name, value]) => [element("dt", {}, t(name)), element("dd", {}, String(value))]));
}

const part = (name, ...inner) => element("section", {}, element("h3", {}, t(name)), ...inner);
const till = (event) => [at(event.at), event.type, event.name ?? event.sku ?? "", event.quantity ?? "", event.restricted ? event.min_age : ""];
const probabilities = (found) => (found ? Object.entries(found).map(([age, p]) => `< ${age}: ${number(p, 3)}`).join(" · ") : null);

export function explained(fact) {
  const told = fact.outcome === undefined ? fact.prompt ?? {} : fact;
  const policy = told.policy ?? {};
  const age = told.age;
  return element(
    "article",
    { class: "fact" },
    pairs([
      ["lane", fact.lane],
      ["how_it_ended", fact.outcome ? t(`outcome_${fact.outcome}`) : t("still_open")],
      ["reason", told.reason],
      ["opened", fact.opened && at(fact.opened)],
      ["closed", fact.closed && at(fact.closed)],
      ["check_due", fact.due && at(fact.due)],
      ["asked_at", fact.prompted && at(fact.prompted)],
      ["check_took", fact.check_delay_s === null || fact.check_delay_s === undefined ? null : t("seconds", { n: fact.check_delay_s })],
      ["cashier", fact.cashier],
    ]),
    part("till_said", table(["when", "what", "article", "quantity", "min_age"], (fact.till_events ?? []).map(till))),
    fact.candidates
      ? part("candidates", fact.candidates.length
          ? table(["track", "score", "presence", "face_px", "served_before"],
              fact.candidates.map((one) => [one.track === fact.track ? `${one.track} ✓` : one.track, number(one.score), number(one.presence), number(one.face_px, 0), one.served_before ? t("yes") : t("no")]))
          : element("p", { class: "quiet" }, t("nobody_there")))
      : null,
    part("estimate", pairs([
      ["track", told.track],
      ["age", age ? `${number(age.mean, 1)} (${number(age.low, 1)} – ${number(age.high, 1)})` : t("unknown_age")],
      ["p_under", probabilities(told.p_under)],
      ["unknown_because", fact.unknown],
      ["crops", fact.crops],
      ["model", told.model],
    ])),
    part("policy", pairs([
      ["policy", policy.name],
      ["legal_age", policy.legal_age],
      ["challenge_age", policy.challenge_age],
      ["tau", policy.tau],
      ["miss_rate", policy.miss_rate],
      ["party", policy.party],
      ["reports", policy.reports_id_checks],
      ["config_hash", policy.config_hash],
      ["clock_offset", told.clock_offset_s === undefined ? null : t("seconds", { n: told.clock_offset_s })],
    ])),
    (fact.blind ?? []).length
      ? part("blind_around", table(["what", "from", "until"], fact.blind.map((gap) => [t(`gap_${gap.what}`), at(gap.from), gap.to ? at(gap.to) : t("now")])))
      : null,
    (fact.alerts ?? []).length
      ? part("alerts", table(["kind", "severity", "came_of_it"], fact.alerts.map((one) => [t(one.kind), t(one.severity), one.acknowledged ? `${t(one.acknowledged.outcome)} · ${one.acknowledged.by}` : "–"])))
      : null,
    element("details", {}, element("summary", {}, t("as_printed")), element("pre", {}, JSON.stringify(fact, null, 2))),
  );
}
