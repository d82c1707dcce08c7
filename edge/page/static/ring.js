// When a sound or a desktop notification is due. What is held back here is still in the list: nothing is dropped.

export const QUIET_MS = 10_000; // between two sounds, whatever comes in
export const SAME_MS = 60_000; // between two sounds for one kind at one lane

// Sales whose customer was not seen are gathered into the shift's digest instead of calling people each time.
export const gathered = (alert) => alert.kind === "unseen_customer" && alert.severity === "low" && !alert.test;

export function bell() {
  let lastAt = -Infinity;
  const lastOf = new Map();
  // "call", "alarm" or null. A call for help and a test always sound: they are rare, and somebody waits for them.
  return (alert, now = Date.now()) => {
    if (gathered(alert)) return null;
    const always = alert.kind === "assistance" || alert.test;
    const key = `${alert.box ?? ""}|${alert.lane}|${alert.kind}`;
    if (!always && (now - lastAt < QUIET_MS || now - (lastOf.get(key) ?? -Infinity) < SAME_MS)) return null;
    lastAt = now;
    lastOf.set(key, now);
    return alert.kind === "assistance" ? "call" : "alarm";
  };
}
