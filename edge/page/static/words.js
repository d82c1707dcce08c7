// Every word of the pages, in English and Russian, and how times are told.

const WORDS = {
  en: {
    sign_in: "Sign in", name: "Name", password: "Password", sign_out: "Sign out",
    wrong: "Name or password is wrong.", wait: "Too many tries. Try again in {n} min.",
    used: "This link was used already or is too old. Sign in by name.",
    no_users: "There are no users yet. On the box: checkout-age users add NAME --role manager --config FILE",
    alerts: "Alerts", live: "Live", reconnecting: "Reconnecting…", sound_off: "Sound is off: tap",
    notify: "Desktop notifications", test_alert: "Test alert", theme: "Dark / light", lanes: "Lanes",
    open: "Open", history: "History", lane: "Lane", kind: "Kind", severity: "Severity",
    all_lanes: "All lanes", all_kinds: "All kinds", all_severities: "Any severity",
    silence: "Silence is no clearance: a sale without an alert says nothing about anybody's age.",
    what_came: "What came of it?", checked: "Checked", false_alarm: "False alarm", escalated: "Escalated",
    your_name: "Your name", note: "Note", cancel: "Cancel", save: "Save", close: "Close",
    acknowledge: "Acknowledge", correct: "Correct", explain: "Why?", recorder: "Recording",
    unchecked_sale: "Sold without an ID check", unseen_customer: "Customer was not seen",
    camera_blind: "Camera is blind", till_silent: "Till is silent", assistance_call: "Help is wanted at the till",
    test: "Test alert", high: "High", medium: "Medium", low: "Low",
    receipt: "Receipt", items: "Items", sales: "{n} restricted sales meanwhile", cashier: "Cashier",
    nobody: "Nobody has looked for {n} min", going_on: "still going on",
    nothing_open: "No open alerts", nothing_history: "Nothing here yet",
    camera: "Camera", till: "Till", up: "up", down: "down", degraded: "degraded", starting: "starting", silent: "silent",
    none: "no till", fps: "{n} fps", last_customer: "Last customer", never: "–", asks: "ID check asked for",
    unreported: "ID checks are not reported at this till.",
    gap_camera: "Camera was blind", gap_till: "Till was silent", until: "until", now: "now",
    please_check: "Please check ID", ready: "Ready", id_seen: "ID seen", refused: "Refused", known: "Customer known",
    assistance: "Assistance", passed_on: "✓ Passed on",
    silence_cashier: "No request here does not mean that no ID is needed: you decide.",
    failed: "That did not get through. Please try again.", gone: "This alert is not there any more.",
    sent: "Test: {told}", not_allowed: "This page is for another lane.",
  },
  ru: {
    sign_in: "Войти", name: "Имя", password: "Пароль", sign_out: "Выйти",
    wrong: "Имя или пароль неверны.", wait: "Слишком много попыток. Повторите через {n} мин.",
    used: "Эта ссылка уже использована или устарела. Войдите по имени.",
    no_users: "Пользователей ещё нет. На устройстве: checkout-age users add ИМЯ --role manager --config ФАЙЛ",
    alerts: "Тревоги", live: "На связи", reconnecting: "Восстановление связи…", sound_off: "Звук выключен: нажмите",
    notify: "Уведомления", test_alert: "Проверка тревоги", theme: "Тёмная / светлая", lanes: "Кассы",
    open: "Открытые", history: "История", lane: "Касса", kind: "Вид", severity: "Важность",
    all_lanes: "Все кассы", all_kinds: "Все виды", all_severities: "Любая важность",
    silence: "Тишина ничего не подтверждает: продажа без тревоги ничего не говорит о чьём-либо возрасте.",
    what_came: "Чем закончилось?", checked: "Проверено", false_alarm: "Ложная тревога", escalated: "Передано дальше",
    your_name: "Ваше имя", note: "Заметка", cancel: "Отмена", save: "Сохранить", close: "Закрыть",
    acknowledge: "Принять", correct: "Исправить", explain: "Почему?", recorder: "Запись",
    unchecked_sale: "Продано без проверки документа", unseen_customer: "Покупателя не было видно",
    camera_blind: "Камера не видит", till_silent: "Касса молчит", assistance_call: "На кассе просят помощи",
    test: "Проверка тревоги", high: "Высокая", medium: "Средняя", low: "Низкая",
    receipt: "Чек", items: "Товары", sales: "за это время продаж с ограничением: {n}", cashier: "Кассир",
    nobody: "Никто не посмотрел уже {n} мин", going_on: "продолжается",
    nothing_open: "Открытых тревог нет", nothing_history: "Здесь пока пусто",
    camera: "Камера", till: "Касса", up: "работает", down: "не работает", degraded: "с помехами", starting: "запускается",
    silent: "молчит", none: "нет кассы", fps: "{n} кадр/с", last_customer: "Последний покупатель", never: "–",
    asks: "Просим проверить документ",
    unreported: "О проверках документов эта касса не сообщает.",
    gap_camera: "Камера не видела", gap_till: "Касса молчала", until: "до", now: "сейчас",
    please_check: "Проверьте, пожалуйста, документ", ready: "Готово к работе", id_seen: "Документ проверен",
    refused: "Отказано", known: "Покупатель знаком",
    assistance: "Помощь", passed_on: "✓ Передано",
    silence_cashier: "Если просьбы здесь нет, это не значит, что документ не нужен: решаете вы.",
    failed: "Не дошло. Повторите, пожалуйста.", gone: "Этой тревоги больше нет.",
    sent: "Проверка: {told}", not_allowed: "Эта страница для другой кассы.",
  },
};

let language = localStorage.getItem("language");

export function settle(preferred) {
  if (!(language in WORDS)) language = preferred in WORDS ? preferred : "en";
  apply();
}

export function other() {
  language = language === "ru" ? "en" : "ru";
  localStorage.setItem("language", language);
  apply();
}

export function t(key, values = {}) {
  const text = (WORDS[language] || WORDS.en)[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

function apply() {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = t(node.dataset.word);
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", t(node.dataset.label));
  const button = document.getElementById("language");
  if (button) button.textContent = language === "ru" ? "English" : "Русский";
}

export function clock(time) {
  const at = new Date(time);
  const day = at.toDateString() === new Date().toDateString() ? {} : { day: "2-digit", month: "2-digit" };
  return new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", ...day }).format(at);
}

export function ago(time) {
  const seconds = Math.round((new Date(time) - Date.now()) / 1000);
  const words = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  if (seconds > -60) return words.format(Math.min(0, seconds), "second");
  if (seconds > -3600) return words.format(Math.trunc(seconds / 60), "minute");
  if (seconds > -86400) return words.format(Math.trunc(seconds / 3600), "hour");
  return words.format(Math.trunc(seconds / 86400), "day");
}
