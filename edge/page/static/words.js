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
    camera_moved: "Camera seems to have been moved: set it right again", camera_soiled: "Camera seems soiled or out of focus: clean the lens",
    camera_drift: "Camera sees other things than usual: look at its light and its place",
    labels: "How often alerts were right", labels_right: "{right} of {n} ({share} %; 95 % interval {low} to {high} %)",
    labels_none: "nobody has said yet", labels_rest: "false alarms: {wrong}, escalated: {escalated}, not looked at: {unlabelled}",
    labels_note: "Right: acknowledged as checked; wrong: as false alarm. Escalated ones count as neither. Nothing is changed by itself.",
    gap_camera: "Camera was blind", gap_till: "Till was silent", until: "until", now: "now",
    blind_down: "It gives no usable picture", blind_covered: "Its lens seems covered", blind_moved: "It seems to have been moved",
    please_check: "Please check ID", ready: "Ready", id_seen: "ID seen", refused: "Refused", known: "Customer known",
    assistance: "Assistance", passed_on: "✓ Passed on",
    silence_cashier: "No request here does not mean that no ID is needed: you decide.",
    failed: "That did not get through. Please try again.", gone: "This alert is not there any more.",
    sent: "Test: {told}", not_allowed: "This page is for another lane.",
    passed_on_at: "Passed on at {time}", test_only: "Test", test_told: "Somebody tried whether alerts come through. No sale is behind it.",
    this_page: "this page", gets_none: "gets no alerts",
    all_boxes: "All boxes", box: "Box", boxes: "Boxes", box_up: "up", box_waiting: "waiting to hear", box_silent: "is silent",
    box_offline: "is offline", box_gone: "No word from its box", box_gone_told: "Nothing is known of this lane now.", heard: "heard {time}",
    hub_lost: "This hub does not reach its broker ({reason}): other boxes cannot be heard.", unknown: "unknown",
    parked: "{sink}: {n} deliveries were refused for good ({reason}), the oldest {time}", retry: "Send again",
    retried: "Sent again: {sent}.", retried_some: "Sent again: {sent}; {left} left ({reason}).",
    this_shift: "Sales in this shift whose customer was not seen: {n}", since: "since {time}", show_each: "Show each", hide: "Hide",
    digest: "{n} of {of} restricted sales without a seen customer", of_sales: "{n} of {of}",
    unseen_no_face: "no face", unseen_ambiguous: "two stood equally near", unseen_restart: "restart", unseen_camera_blind: "camera blind",
    unseen_unknown: "unknown", unseen_too_small: "too small", unseen_blurred: "blurred", unseen_turned_away: "turned away",
    unseen_too_dark: "too dark", unseen_overexposed: "overexposed", unseen_too_short: "too short",
    clock_off: "Till clock: seems {off} s from what is set ({n} receipts); nothing is changed by itself",
    clock_right: "Till clock fits ({off} s, {n} receipts)",
    how_it_ended: "How it ended", still_open: "still open", reason: "Reason", opened: "Opened", closed: "Closed", check_due: "Check due",
    asked_at: "Asked at", check_took: "Check came after", seconds: "{n} s", minutes: "{n} min", till_said: "What the till said", when: "When", what: "What",
    article: "Article", quantity: "Quantity", min_age: "From age", candidates: "Who may have paid", track: "Track", score: "Score",
    presence: "Share of time", face_px: "Face, px", served_before: "Served before", yes: "yes", no: "no",
    nobody_there: "Nobody stood in the customer zone.", estimate: "Estimate", age: "Age, years", unknown_age: "unknown",
    p_under: "Probability to be under", unknown_because: "Unknown because", crops: "Pictures used", model: "Model", policy: "Policy",
    legal_age: "Legal age", challenge_age: "Challenge age", tau: "Threshold τ", miss_rate: "Accepted miss rate", party: "Who is judged",
    reports: "Checks told by", config_hash: "Configuration", clock_offset: "Clock offset", blind_around: "Blind spans around it",
    from: "From", came_of_it: "What came of it", as_printed: "As `checkout-age explain` prints it",
    outcome_cancelled: "cancelled", outcome_refused: "refused", outcome_no_restricted_item: "nothing restricted left", outcome_checked: "ID was checked",
    outcome_unseen: "customer not seen", outcome_unchecked: "asked for, not checked", outcome_not_prompted: "nobody was asked",
    week: "Week", week_title: "Checks of the week", all_together: "All together", by_lane: "By lane", by_cashier: "By cashier",
    signed_off: "Signed off", sign_week: "I have looked at this week", not_over: "The week is not over yet.",
    signed_by: "{by}, {time} (entry {n} of the register)", signed_by_nobody: "Nobody has signed this week.",
    honest_note: "A share without its interval says little, and nothing of a person where there were few cases.",
    share_made: "Challenges made", interval_name: "95 % interval", interval: "{low} to {high}", made_of_due: "Made / due",
    made_of_due_long: "{made} of {due} challenges due were made", refusals: "Refusals", hasty: "Hasty checks", delay: "Median delay",
    sales_name: "Restricted sales", known_name: "Customer known", not_enough: "not enough data", none_due: "no challenge was due",
    not_enough_of: "not enough data ({n} of {needed})", unreported_lanes: "Nobody reports checks at: {lanes}",
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
    camera_moved: "Камеру, похоже, сдвинули: верните её на место", camera_soiled: "Камера, похоже, загрязнена или не в фокусе: протрите объектив",
    camera_drift: "Камера видит не то, что обычно: проверьте свет и её место",
    labels: "Как часто тревоги верны", labels_right: "{right} из {n} ({share} %; 95 % интервал от {low} до {high} %)",
    labels_none: "пока никто не отметил", labels_rest: "ложных: {wrong}, передано дальше: {escalated}, не просмотрено: {unlabelled}",
    labels_note: "Верна: отмечена «проверено»; неверна: «ложная тревога». Переданные дальше не считаются. Само ничего не меняется.",
    gap_camera: "Камера не видела", gap_till: "Касса молчала", until: "до", now: "сейчас",
    blind_down: "Она не даёт пригодной картинки", blind_covered: "Её объектив, похоже, закрыт", blind_moved: "Её, похоже, сдвинули",
    please_check: "Проверьте, пожалуйста, документ", ready: "Готово к работе", id_seen: "Документ проверен",
    refused: "Отказано", known: "Покупатель знаком",
    assistance: "Помощь", passed_on: "✓ Передано",
    silence_cashier: "Если просьбы здесь нет, это не значит, что документ не нужен: решаете вы.",
    failed: "Не дошло. Повторите, пожалуйста.", gone: "Этой тревоги больше нет.",
    sent: "Проверка: {told}", not_allowed: "Эта страница для другой кассы.",
    passed_on_at: "Передано дальше в {time}", test_only: "Проверка", test_told: "Кто-то проверяет, доходят ли тревоги. За ней нет продажи.",
    this_page: "эта страница", gets_none: "тревог не получает",
    all_boxes: "Все устройства", box: "Устройство", boxes: "Устройства", box_up: "на связи", box_waiting: "ждём ответа", box_silent: "молчит",
    box_offline: "отключено", box_gone: "Устройство не отвечает", box_gone_told: "Об этой кассе сейчас ничего не известно.", heard: "последний раз {time}",
    hub_lost: "Нет связи с брокером ({reason}): других устройств не слышно.", unknown: "неизвестно",
    parked: "{sink}: получатель окончательно отклонил {n} ({reason}), первое {time}", retry: "Отправить снова",
    retried: "Отправлено снова: {sent}.", retried_some: "Отправлено снова: {sent}; осталось {left} ({reason}).",
    this_shift: "Продаж за смену, где покупателя не было видно: {n}", since: "с {time}", show_each: "Показать каждую", hide: "Скрыть",
    digest: "Покупателя не было видно: {n} из {of} продаж с ограничением", of_sales: "{n} из {of}",
    unseen_no_face: "лица не видно", unseen_ambiguous: "двое стояли одинаково близко", unseen_restart: "перезапуск", unseen_camera_blind: "камера не видела",
    unseen_unknown: "неизвестно", unseen_too_small: "слишком мелко", unseen_blurred: "размыто", unseen_turned_away: "отвернулся",
    unseen_too_dark: "слишком темно", unseen_overexposed: "засвечено", unseen_too_short: "слишком коротко",
    clock_off: "Часы кассы, похоже, на {off} с не совпадают с настройкой (чеков: {n}); само ничего не меняется",
    clock_right: "Часы кассы верны ({off} с, чеков: {n})",
    how_it_ended: "Чем закончилось", still_open: "ещё открыт", reason: "Причина", opened: "Открыт", closed: "Закрыт", check_due: "Проверка нужна с",
    asked_at: "Попросили в", check_took: "Проверка через", seconds: "{n} с", minutes: "{n} мин", till_said: "Что сообщила касса", when: "Когда", what: "Что",
    article: "Товар", quantity: "Количество", min_age: "С возраста", candidates: "Кто мог платить", track: "Трек", score: "Оценка",
    presence: "Доля времени", face_px: "Лицо, px", served_before: "Уже обслужен", yes: "да", no: "нет",
    nobody_there: "В зоне покупателя никто не стоял.", estimate: "Оценка возраста", age: "Возраст, лет", unknown_age: "неизвестен",
    p_under: "Вероятность быть моложе", unknown_because: "Неизвестно, потому что", crops: "Использовано снимков", model: "Модель", policy: "Правила",
    legal_age: "Возраст по закону", challenge_age: "Возраст для проверки", tau: "Порог τ", miss_rate: "Допустимый пропуск", party: "Кого оценивают",
    reports: "О проверках сообщает", config_hash: "Конфигурация", clock_offset: "Поправка часов", blind_around: "Когда рядом не было видно",
    from: "С", came_of_it: "Чем закончилось", as_printed: "Как печатает `checkout-age explain`",
    outcome_cancelled: "отменён", outcome_refused: "отказано", outcome_no_restricted_item: "товаров с ограничением не осталось", outcome_checked: "документ проверен",
    outcome_unseen: "покупателя не было видно", outcome_unchecked: "просили, не проверили", outcome_not_prompted: "никого не просили",
    week: "Неделя", week_title: "Проверки за неделю", all_together: "Всё вместе", by_lane: "По кассам", by_cashier: "По кассирам",
    signed_off: "Подписи", sign_week: "Я просмотрел(а) эту неделю", not_over: "Неделя ещё не закончилась.",
    signed_by: "{by}, {time} (запись {n} реестра)", signed_by_nobody: "Эту неделю никто не подписал.",
    honest_note: "Доля без интервала мало что значит, а при малом числе случаев ничего не говорит о человеке.",
    share_made: "Проверок сделано", interval_name: "95 % интервал", interval: "от {low} до {high}", made_of_due: "Сделано / нужно",
    made_of_due_long: "сделано {made} из {due} нужных проверок", refusals: "Отказы", hasty: "Слишком быстрые", delay: "Медиана задержки",
    sales_name: "Продажи с ограничением", known_name: "Покупатель знаком", not_enough: "мало данных", none_due: "проверок не требовалось",
    not_enough_of: "мало данных ({n} из {needed})", unreported_lanes: "О проверках не сообщают: {lanes}",
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
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", ...day }).format(at);
}

export const decimal = (value, digits) =>
  new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);

export function ago(time) {
  const seconds = Math.round((new Date(time) - Date.now()) / 1000);
  const words = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  if (seconds > -60) return words.format(Math.min(0, seconds), "second");
  if (seconds > -3600) return words.format(Math.trunc(seconds / 60), "minute");
  if (seconds > -86400) return words.format(Math.trunc(seconds / 3600), "hour");
  return words.format(Math.trunc(seconds / 86400), "day");
}
