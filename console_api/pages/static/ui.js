// Dialogs, keys, times that pass, the theme: comforts on top of links and forms that work alone.
import { refresh } from "./patch.js";

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const root = document.documentElement;
if (matchMedia("(hover: hover)").matches) root.dataset.keys = "";

export function toast(text) {
  const box = document.createElement("div");
  box.className = "toast";
  box.textContent = text;
  find("#toasts").append(box);
  setTimeout(() => box.remove(), 6000);
}

// A link that opens a dialog is a plain link to the same form without JavaScript.
document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const opener = event.target.closest("[data-opens]");
  const dialog = opener && document.getElementById(opener.dataset.opens);
  const closer = event.target.closest("dialog:modal [data-closes]");
  if (dialog) {
    event.preventDefault();
    show(dialog);
  } else if (closer) {
    event.preventDefault();
    closer.closest("dialog").close();
  } else if (event.target.matches("dialog:modal")) event.target.close(); // the backdrop
});

function show(dialog) {
  dialog.close();
  dialog.showModal();
  find("textarea, input:not([type=hidden])", dialog)?.focus();
}
const asked = find("dialog[open]");
if (asked) show(asked);
document.addEventListener("close", (event) => {
  if (event.target.matches("dialog")) refresh(null); // what was held back meanwhile
}, true);

// A form is sent once, and says so when there is no way to send it.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (!navigator.onLine) {
    event.preventDefault();
    toast("No connection: nothing was sent.");
  } else if (form.matches("[data-theme-form]")) {
    event.preventDefault();
    changeTheme(form, event.submitter);
  } else setTimeout(() => all("button", form).forEach((button) => (button.disabled = true)));
});
addEventListener("pageshow", () => all("form button:disabled").forEach((button) => (button.disabled = false)));

function changeTheme(form, button) {
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = button.value = isDark ? "light" : "dark";
  const fields = new URLSearchParams(new FormData(form, button));
  fetch(form.action, { method: "POST", body: fields, redirect: "manual" }).catch(() => toast("Not kept: no connection."));
}

// Keys: g and a letter go somewhere, j and k move in a list, a and r answer, ? lists them.
const DIALOGS = { a: "#do-approve", r: "#do-reject", "?": "#keys" };
let before = "";
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea, select");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]")) return;
  const { key } = event;
  const place = before === "g" && find(`[data-go="${CSS.escape(key)}"]`);
  before = key;
  if (place) place.click();
  else if (key === "j" || key === "k") step(key === "j" ? 1 : -1);
  else if (DIALOGS[key] && find(DIALOGS[key])) {
    event.preventDefault();
    show(find(DIALOGS[key]));
  }
});

// What is on screen stays on screen: a request that is shown first may not be first for long.
const shown = find("#detail")?.dataset.id;
if (shown && matchMedia("(min-width: 861px)").matches) {
  const here = new URL(location);
  if (!here.searchParams.has("id")) here.searchParams.set("id", shown);
  history.replaceState(null, "", here);
}

function step(by) {
  const rows = all("#inbox a:is(.row, .line)");
  if (!rows.length) return;
  const at = rows.findIndex((row) => row.hasAttribute("aria-current"));
  const to = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
  if (!find("#detail")) return void to.click();
  rows.forEach((row) => row.removeAttribute("aria-current"));
  to.setAttribute("aria-current", "true");
  to.focus();
  history.replaceState(null, "", to.href);
  refresh(null);
}

// Times: the server said it once, in the same words (wording.py); here it goes on.
const UNITS = [[86400, "d"], [3600, "h"], [60, "min"]];
function ago(seconds) {
  const unit = UNITS.find(([size]) => seconds >= size);
  return unit ? `${Math.floor(seconds / unit[0])} ${unit[1]} ago` : "just now";
}
function left(seconds) {
  if (seconds <= 0) return "time is up";
  const unit = UNITS.find(([size, name]) => seconds >= (name === "d" ? 2 * size : size));
  return unit ? `in ${Math.floor(seconds / unit[0])} ${unit[1]}` : `in ${Math.floor(seconds)} s`;
}
function tick() {
  const now = Date.now();
  for (const time of all("time[data-ago], time[data-left]")) {
    const seconds = (Date.parse(time.dateTime) - now) / 1000;
    const counts = "left" in time.dataset;
    const text = counts ? left(seconds) : ago(-seconds);
    if (time.textContent !== text) time.textContent = text;
    time.classList.toggle("urgent", counts && seconds < 3600);
  }
}
tick();
setInterval(tick, 1000);
document.addEventListener("console:patched", tick);
