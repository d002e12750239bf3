"use strict";

const token = document.querySelector('meta[name="demo-token"]').content;
const $ = (id) => document.getElementById(id);
const names = {};
const messages = new Map(); // key of a message -> its element
const lines = new Map(); // number of a line -> its element
const phases = {
  down: "is down", starting: "is starting", up: "is running", stopping: "is stopping",
};
const TYPING_MS = 6000;
const ANNOUNCE_MS = 1300; // an answer is read out when it has stopped growing

let silent = false; // while a snapshot is drawn nothing is announced

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// What this page asks for.

async function ask(path, body) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Demo-Token": token },
      body: JSON.stringify(body),
    });
    if (answer.ok) {
      trouble("");
      return true;
    }
    trouble(await answer.text());
  } catch {
    trouble("The demo does not answer. It may have ended: start it again and load this page again.");
  }
  return false;
}

function trouble(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

// Chats.

class Chat {
  constructor(root) {
    this.root = root;
    this.platform = root.dataset.platform;
    this.name = root.querySelector("h2").textContent;
    this.text = root.querySelector("textarea");
    this.form = root.querySelector("form");
    this.target = root.querySelector(".target");
    this.typingLine = root.querySelector(".typing span");
    this.thread = "";
    this.typing = {};
    this.listen();
  }

  get place() {
    return this.root.querySelector(".places input:checked").value;
  }

  log(place) {
    return this.root.querySelector(`.log[data-place="${place}"]`);
  }

  listen() {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.send();
      }
    });
    this.text.addEventListener("input", () => this.fit());
    for (const hint of this.root.querySelectorAll(".hints button")) {
      hint.title = hint.dataset.text;
      hint.addEventListener("click", () => {
        this.text.value = hint.dataset.text;
        this.fit();
        this.text.focus();
      });
    }
    for (const choice of this.root.querySelectorAll(".places input")) {
      choice.addEventListener("change", () => this.turn());
    }
    const sizes = new ResizeObserver(() => this.bottom(this.place)); // a phone's keyboard, a turned screen
    sizes.observe(this.log("direct"));
    sizes.observe(this.log("channel"));
    this.target.querySelector(".leave").addEventListener("click", () => {
      this.answerIn("", "");
      this.text.focus();
    });
  }

  fit() {
    this.text.style.height = "auto";
    this.text.style.height = `${this.text.scrollHeight + 2}px`;
  }

  turn() {
    for (const place of ["direct", "channel"]) {
      this.log(place).hidden = place !== this.place;
    }
    this.mark(this.place, false);
    this.answerIn("", "");
    this.showTyping();
    this.bottom(this.place);
  }

  mark(place, news) {
    this.root.querySelector(`.places input[value="${place}"]`).parentElement.classList.toggle("news", news);
  }

  answerIn(thread, about) {
    this.thread = thread;
    this.target.hidden = !thread;
    this.target.querySelector("span").textContent = about.length > 40 ? `${about.slice(0, 39)}…` : about;
  }

  async send() {
    const text = this.text.value.trim();
    if (!text || this.sending) return;
    this.sending = true;
    const asked = { platform: this.platform, place: this.place, thread: this.thread, text };
    if (await ask("/say", asked) && this.text.value.trim() === text) {
      this.text.value = "";
      this.fit();
    }
    this.sending = false;
  }

  bottom(place) {
    const log = this.log(place);
    log.scrollTop = log.scrollHeight;
  }

  show(message) {
    const key = keyOf(message);
    const log = this.log(message.place);
    const atBottom = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
    let shown = messages.get(key);
    if (!shown) {
      shown = element("div", `message ${message.bot ? "bot" : "mine"}${silent ? "" : " fresh"}`);
      shown.dataset.id = message.id;
      shown.append(element("div", "bubble"), element("div", "choices"), element("div", "foot"));
      messages.set(key, shown);
      this.homeOf(message, log).append(shown);
      if (!message.thread && message.place === "channel") {
        const thread = element("div", "thread");
        thread.dataset.of = message.id;
        log.append(thread);
      }
    }
    shown.querySelector(".bubble").textContent = message.text;
    this.showChoices(shown, message);
    this.showFoot(shown, message);
    if (message.bot) {
      this.stopTyping(message.place);
    }
    if (atBottom || !message.bot) this.bottom(message.place);
    if (message.place !== this.place && !silent) this.mark(message.place, true);
    if (message.bot) announce(key, `${this.name}: ${message.text}`);
  }

  homeOf(message, log) {
    if (!message.thread) return log;
    return log.querySelector(`.thread[data-of="${CSS.escape(message.thread)}"]`) || log;
  }

  showChoices(shown, message) {
    const choices = shown.querySelector(".choices");
    const now = message.labels.join("\n");
    if (choices.dataset.now === now) return; // a button keeps the focus while the text grows
    choices.dataset.now = now;
    choices.replaceChildren(...message.labels.map((label) => {
      const button = element("button", "", label);
      button.type = "button";
      button.addEventListener("click", () => ask("/press", {
        platform: this.platform, place: message.place, message: message.id, label,
      }));
      return button;
    }));
    choices.hidden = !message.labels.length;
  }

  showFoot(shown, message) {
    const foot = shown.querySelector(".foot");
    const parts = [];
    if (message.edits) {
      parts.push(element("span", "", message.edits === 1 ? "edited once" : `edited ${message.edits} times`));
    }
    if (message.bot && message.thread) {
      const reply = element("button", "", "write in this thread");
      reply.type = "button";
      reply.addEventListener("click", () => {
        const root = messages.get(keyOf({ ...message, id: message.thread }));
        this.answerIn(message.thread, root ? root.querySelector(".bubble").textContent : "this answer");
        this.text.focus();
      });
      parts.push(reply);
    }
    const old = foot.querySelector("button");
    if (old && old === document.activeElement) {
      const span = foot.querySelector("span");
      if (span && parts.length) span.textContent = parts[0].textContent;
      return;
    }
    foot.replaceChildren(...parts);
  }

  gone(place, id) {
    const key = keyOf({ platform: this.platform, place, id });
    messages.get(key)?.remove();
    messages.delete(key);
  }

  type(place) {
    clearTimeout(this.typing[place]);
    this.typing[place] = setTimeout(() => this.stopTyping(place), TYPING_MS);
    this.showTyping();
  }

  stopTyping(place) {
    clearTimeout(this.typing[place]);
    delete this.typing[place];
    this.showTyping();
  }

  showTyping() {
    this.typingLine.textContent = this.place in this.typing ? "The bot is at work…" : "";
  }

  account(state) {
    const account = this.root.querySelector(".account");
    if (account.textContent !== state) account.textContent = state;
    account.className = `account ${state}`;
    if (state === "down") {
      this.stopTyping("direct");
      this.stopTyping("channel");
    }
  }
}

function keyOf(message) {
  return `${message.platform}/${message.place}/${message.id}`;
}

const chats = {};
for (const root of document.querySelectorAll(".chat")) {
  const chat = new Chat(root);
  chats[chat.platform] = chat;
  names[chat.platform] = chat.name;
}

const announcements = new Map();

function announce(key, text) {
  if (silent) return;
  clearTimeout(announcements.get(key));
  announcements.set(key, setTimeout(() => {
    announcements.delete(key);
    const heard = element("p", "", text);
    $("announcer").append(heard);
    while ($("announcer").childElementCount > 5) $("announcer").firstElementChild.remove();
  }, ANNOUNCE_MS));
}

// The gateway.

function status(now) {
  if ($("phase").textContent !== phases[now.phase]) $("phase").textContent = phases[now.phase];
  $("dot").className = `dot ${now.phase}`;
  const sensible = {
    start: now.phase === "down",
    kill: now.phase !== "down",
    stop: now.phase === "up" || now.phase === "starting",
  };
  for (const button of document.querySelectorAll("[data-do]")) {
    const had = button === document.activeElement;
    button.disabled = !sensible[button.dataset.do];
    if (had && button.disabled) {
      document.querySelector(".deeds button:not(:disabled)")?.focus(); // the keyboard stays here
    }
  }
  for (const [platform, state] of Object.entries(now.accounts)) chats[platform].account(state);
}

for (const button of document.querySelectorAll("[data-do]")) {
  button.addEventListener("click", () => ask("/gateway", { do: button.dataset.do }));
}

function count(now) {
  for (const what of ["asked", "answered", "waiting", "lost", "duplicated"]) {
    $(what).textContent = now[what];
  }
  $("lost").parentElement.classList.toggle("bad", now.lost > 0);
  $("duplicated").parentElement.classList.toggle("bad", now.duplicated > 0);
  $("waiting").parentElement.classList.toggle("open", now.waiting > 0);
}

// The timeline.

function line(told) {
  const list = $("lines");
  const atBottom = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  let shown = lines.get(told.number);
  if (!shown) {
    shown = element("li");
    lines.set(told.number, shown);
    list.append(shown);
  }
  const telling = told.tone === "good" || told.tone === "alarm";
  shown.className = `from-${told.who}${telling ? " telling" : ""}`;
  const what = element("div");
  if (told.platform) what.append(element("span", `on ${told.platform}`, names[told.platform]), " ");
  what.append(element("b", "", told.who), " ", element("span", telling ? told.tone : "", told.text));
  if (told.edits) what.append(element("span", "", ` (edited ${told.edits}×)`));
  const time = element("time", "", `${told.at.toFixed(1)} s`);
  shown.replaceChildren(time, what);
  if (atBottom) list.scrollTop = list.scrollHeight;
}

$("details").addEventListener("change", () => {
  $("lines").classList.toggle("plain", !$("details").checked);
});

// News.

function snapshot(all) {
  silent = true;
  for (const shown of messages.values()) shown.remove();
  for (const thread of document.querySelectorAll(".thread")) thread.remove();
  messages.clear();
  lines.clear();
  $("lines").replaceChildren();
  for (const message of all.messages) chats[message.platform].show(message);
  for (const told of all.lines) line(told);
  count(all.count);
  status(all.status);
  for (const chat of Object.values(chats)) chat.bottom(chat.place);
  silent = false;
}

const news = new EventSource(`/events?token=${encodeURIComponent(token)}`);
const on = (kind, told) => news.addEventListener(kind, (event) => told(JSON.parse(event.data)));
on("snapshot", snapshot);
on("message", (message) => chats[message.platform].show(message));
on("gone", (gone) => chats[gone.platform].gone(gone.place, gone.id));
on("typing", (at) => chats[at.platform].type(at.place));
on("status", status);
on("count", count);
on("line", line);
let lost = false;
news.addEventListener("open", () => {
  if (lost) trouble("");
  lost = false;
});
news.addEventListener("error", () => {
  lost = true;
  trouble(news.readyState === EventSource.CLOSED
    ? "This page is of an earlier start of the demo. Load it again."
    : "The demo does not answer. It may have ended; this page looks for it again.");
});
