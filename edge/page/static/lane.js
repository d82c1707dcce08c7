// The cashier's page: one neutral request, three answers, a quiet way to call for help. It knows no age.
import { me, post, showConnection, stream } from "/static/net.js";
import { chime, unlockSound } from "/static/sound.js";
import { other, settle, t } from "/static/words.js";

const at = (id) => document.getElementById(id);
const lane = decodeURIComponent(location.pathname.split("/").pop());
let screen = { receipt: null, asks: false, buttons: false, reported: true, assist: false };

function draw() {
  document.body.classList.toggle("asking", screen.asks);
  at("ask").hidden = !screen.asks;
  at("idle").hidden = screen.asks;
  at("acts").hidden = !(screen.buttons && screen.receipt !== null);
  at("unreported").hidden = screen.reported;
  at("assist").hidden = !screen.assist;
}

function tell(word) {
  at("told").textContent = word ? t(word) : "";
  at("told").hidden = !word;
}

async function act(button) {
  button.disabled = true;
  tell("");
  try {
    await post(`/api/lane/${encodeURIComponent(lane)}/act`, { action: button.dataset.action, receipt: screen.receipt });
  } catch {
    tell("failed");
  } finally {
    button.disabled = false;
  }
}

async function assist() {
  const button = at("assist");
  button.disabled = true;
  tell("");
  try {
    await post(`/api/lane/${encodeURIComponent(lane)}/assist`);
    button.textContent = t("passed_on");
  } catch {
    tell("failed");
  }
  setTimeout(() => { button.textContent = t("assistance"); button.disabled = false; }, 4000);
}

const who = await me();
if (!who.signedIn) location.assign("/signin");
settle(who.language);
document.title = lane;
at("lane").textContent = lane;
at("language").addEventListener("click", other);
at("signout").addEventListener("click", async () => { await post("/signout"); location.assign("/signin"); });
at("assist").addEventListener("click", assist);
for (const button of at("acts").children) button.addEventListener("click", () => act(button));
unlockSound(at("sound"));
stream(`/api/lane/${encodeURIComponent(lane)}/stream`, {
  names: ["screen"],
  connected: (is) => showConnection(is, t),
  heard: (name, data) => {
    if (name !== "screen") return;
    if (data.asks && !(screen.asks && screen.receipt === data.receipt)) chime();
    screen = data;
    tell("");
    draw();
  },
});
draw();
