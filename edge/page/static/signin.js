import { me } from "/static/net.js";
import { other, settle, t } from "/static/words.js";

const told = document.getElementById("told");
const asked = new URLSearchParams(location.search);
let users = true;

function tell() {
  const text = !users ? t("no_users")
    : document.body.dataset.wait ? t("wait", { n: document.body.dataset.wait })
    : asked.has("wrong") ? t("wrong")
    : asked.has("used") ? t("used") : "";
  told.textContent = text;
  told.hidden = text === "";
}

document.getElementById("language").addEventListener("click", () => { other(); tell(); });
const now = await me();
if (now.signedIn) location.assign("/");
users = now.users;
settle(now.language);
tell();
