// Renews the page while somebody looks at it, asks questions in a dialog, and listens to a few keys.
// Without it every page and every action works as plain links and forms.
"use strict";

(() => {
  const EVERY = 2000; // milliseconds between two looks
  const LONGEST = 12000; // a look takes, beyond the time that is given to its request
  const SLOWEST = 10000; // while the gateway does not answer
  const PATIENCE = 2; // looks that may fail before it is said: a busy moment is no news
  const find = (id) => document.getElementById(id);
  const live = () => find("live");

  let failures = 0;
  let goneSince = null;
  let lastAnswer = new Date();
  let timer = 0;
  let asking = false;
  let askedAt = 0;

  document.documentElement.classList.add("scripted");

  // What a person opened stays open when the page is renewed.
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(name === "open" && node.tagName === "DETAILS");

  const say = (text) => {
    find("news").textContent = text;
  };
  const tell = (text) => {
    const line = document.createElement("p");
    line.className = "refused";
    line.textContent = text;
    find("told").replaceChildren(line);
  };
  const plan = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(look, wait);
  };
  const look = () => {
    clearTimeout(timer);
    if (document.hidden || live() === null || (asking && Date.now() - askedAt < LONGEST)) return;
    asking = true;
    askedAt = Date.now();
    plan(LONGEST); // should this look come to nothing at all
    htmx.trigger(live(), "renew");
  };

  const answered = (before) => {
    asking = false;
    failures = 0;
    lastAnswer = new Date();
    const now = live();
    // What had the focus may be done with and gone: then the keyboard goes on from the content.
    if (before.focused && document.activeElement === document.body) find("main").focus({ preventScroll: true });
    if (goneSince !== null) {
      goneSince = null;
      find("gone").hidden = true;
      document.body.classList.remove("is-gone");
      say(now.dataset.boot === before.boot ? "The gateway answers again." : "The gateway is back, as boot " + now.dataset.boot + ".");
    } else if (before.headline !== find("headline").textContent) {
      say(find("headline").textContent);
    }
    const [page] = document.title.split(" – ");
    document.title = page + " – " + find("headline").textContent + " – Carryon";
    plan(EVERY);
  };
  const failed = (why) => {
    asking = false;
    failures += 1;
    if (failures >= PATIENCE && goneSince === null) {
      goneSince = lastAnswer;
      document.body.classList.add("is-gone");
      find("gone").querySelector("p").textContent =
        "No answer from the gateway since " + goneSince.toLocaleTimeString() + why + " This page tries again by itself; what it shows is old.";
      find("gone").hidden = false;
    }
    plan(Math.min(EVERY * 1.5 ** (failures - 1), SLOWEST));
  };

  const isLook = (event) => event.detail.elt === live() && event.detail.requestConfig?.triggeringEvent?.type === "renew";
  let before = null;

  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id === "question" && !event.detail.serverResponse.includes('id="question-title"')) {
      event.detail.shouldSwap = false;
      location.reload(); // somebody has to sign in again
      return;
    }
    if (!isLook(event)) return;
    const answer = new DOMParser().parseFromString(event.detail.serverResponse, "text/html").getElementById("live");
    if (answer === null || answer.dataset.build !== live().dataset.build) {
      // Another page is there: somebody has to sign in, or the gateway was upgraded.
      event.detail.shouldSwap = false;
      if (event.detail.xhr.status < 400) location.reload();
      return;
    }
    const focused = live().contains(document.activeElement);
    // What they type stays typed. Only there: of anything else that has the focus, the inside is renewed.
    Idiomorph.defaults.ignoreActiveValue = document.activeElement.matches("input");
    before = { boot: live().dataset.boot, headline: find("headline").textContent, focused };
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (isLook(event) && before !== null) {
      answered(before);
      before = null;
    } else if (event.detail.target.id === "question" && !find("dialog").open) {
      find("dialog").showModal();
    }
  });
  document.body.addEventListener("htmx:sendError", (event) => troubled(event, "."));
  document.body.addEventListener("htmx:timeout", (event) => troubled(event, "."));
  document.body.addEventListener("htmx:responseError", (event) => {
    const { status, responseText } = event.detail.xhr;
    if (isLook(event) && (status === 401 || status === 404)) return location.reload();
    return troubled(event, " (it says: " + responseText.slice(0, 200).trim() + ").", responseText.slice(0, 400).trim());
  });
  const troubled = (event, why, text = "") => {
    if (isLook(event)) return failed(why);
    find("dialog").close();
    if (text) return tell(text);
    return tell("No answer from the gateway. If something was to be done, nobody knows whether it was: look at it again before you repeat it.");
  };

  // A question in the dialog, and what came of it.
  document.body.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-dismiss]")) {
      find("told").replaceChildren();
      find("main").focus();
    }
    if (event.target.closest?.("dialog [data-close]")) {
      event.preventDefault();
      find("dialog").close();
    }
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (isLook(event) && asking) {
      asking = false;
      plan(EVERY);
    }
    if (event.detail.successful && event.detail.target?.id === "told" && event.detail.elt.matches("dialog form")) {
      find("dialog").close();
      look();
    }
  });
  find("dialog").addEventListener("close", () => {
    find("question").replaceChildren();
  });

  // Keys.
  const KEYS_OFF = "carryon-keys-off";
  const stored = () => {
    try { return localStorage.getItem(KEYS_OFF) === "1"; } catch { return false; }
  };
  const keysOn = find("keys-on");
  keysOn.checked = !stored();
  keysOn.addEventListener("change", () => {
    try { localStorage.setItem(KEYS_OFF, keysOn.checked ? "0" : "1"); } catch { /* it counts for this page */ }
  });
  const help = () => find("help").showModal();
  find("help-button").addEventListener("click", help);
  const pages = [...document.querySelectorAll("header nav a")];
  document.addEventListener("keydown", (event) => {
    const busy = event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]");
    if (!keysOn.checked || busy || event.target.closest("input, textarea, select")) return;
    const page = pages[Number(event.key) - 1];
    if (page) page.click();
    else if (event.key === "?") help();
    else if (event.key === "r") { say("Looking again."); look(); }
    else if (event.key === ".") document.querySelector("main .act")?.focus();
    else if (event.key === "/") {
      event.preventDefault();
      if (find("q")) find("q").focus();
      else location.assign("/sessions#q");
    }
  });
  if (location.hash === "#q") find("q")?.focus();

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) look();
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) look();
  });
  plan(EVERY);
})();
