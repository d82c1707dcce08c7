// Talking with the box: requests that carry the page's own header, and a stream that comes back by itself.

let csrf = "";

export async function me() {
  const answer = await fetch("/api/me", { cache: "no-store" });
  const told = await answer.json();
  csrf = told.csrf || "";
  return { signedIn: answer.ok, ...told };
}

export async function get(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (answer.status === 401) location.assign("/signin");
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

export async function post(path, body = {}) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": csrf },
    body: JSON.stringify(body),
  });
  if (answer.status === 401) location.assign("/signin");
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

const SILENT_MS = 8000; // the box speaks every two seconds; a dead connection says nothing at all
const AGAIN_MS = 1500;

// `heard(name, data)` for each event, `connected(bool)` when that changes. Goes on behind the last event it had.
export function stream(path, { after = null, names = [], heard, connected }) {
  let source = null;
  let last = after;
  let aliveAt = Date.now();

  const open = () => {
    source = new EventSource(last === null ? path : `${path}?after=${last}`);
    const hear = (name) => (event) => {
      aliveAt = Date.now();
      connected(true);
      if (event.lastEventId) last = event.lastEventId;
      heard(name, JSON.parse(event.data));
    };
    source.onmessage = hear("message");
    for (const name of ["tick", ...names]) source.addEventListener(name, hear(name));
    source.onerror = () => {
      connected(false);
      if (source.readyState === EventSource.CLOSED) again();
    };
  };
  const again = () => {
    source.close();
    aliveAt = Date.now();
    setTimeout(async () => {
      try {
        if (!(await me()).signedIn) return location.assign("/signin");
      } catch {
        return again();
      }
      open();
    }, AGAIN_MS);
  };
  setInterval(() => {
    if (source.readyState !== EventSource.CLOSED && Date.now() - aliveAt > SILENT_MS) {
      connected(false);
      again();
    }
  }, 1000);
  open();
}

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function showConnection(is, t) {
  const pill = document.getElementById("connection");
  pill.dataset.word = is ? "live" : "reconnecting";
  pill.className = is ? "pill good" : "pill wait";
  if (pill.textContent !== t(pill.dataset.word)) pill.textContent = t(pill.dataset.word);
  document.body.classList.toggle("away", !is);
}
