// What a page must be for everybody to read and use it. Each returns what is wrong with it.
({
  contrast: () => {
    const parse = (text) => (text.match(/[\d.]+/g) || []).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
      .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
      .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (one) => {
      for (let at = one; at; at = at.parentElement) {
        const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor);
        if (a === 1) return [r, g, b];
        if (a > 0) throw new Error("half transparent: " + at.outerHTML.slice(0, 80));
      }
      return [255, 255, 255];
    };
    const poor = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const one = node.parentElement;
      if (!node.data.trim() || one.closest(".only-heard, .skip, title, desc") || !one.checkVisibility()) continue;
      const style = getComputedStyle(one);
      const [front, back] = [one instanceof SVGElement ? style.fill : style.color, ground(one)].map((c) =>
        light(typeof c === "string" ? parse(c) : c));
      const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
      if (ratio < 4.5) poor.push(ratio.toFixed(2) + " " + node.data.trim().slice(0, 40));
    }
    return poor;
  },

  semantics: () => {
    const wrong = [];
    const all = (what) => [...document.querySelectorAll(what)];
    for (const what of ["h1", "main", "header", "[aria-current=page]", "#health"]) {
      if (all(what).length !== 1) wrong.push(all(what).length + " of " + what);
    }
    const ids = all("[id]").map((one) => one.id);
    wrong.push(...ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => "twice: " + id));
    for (const name of ["aria-labelledby", "aria-describedby", "for"]) {
      for (const one of all(`[${name}]`)) {
        if (one.matches("dialog:not([open])")) continue; // its question is still to come
        for (const id of one.getAttribute(name).split(" ")) {
          if (!document.getElementById(id)) wrong.push("no " + id);
        }
      }
    }
    for (const one of all("a, button, summary")) if (!one.textContent.trim()) wrong.push("nameless " + one.outerHTML);
    for (const one of all("input:not([type=hidden])")) if (!one.labels.length) wrong.push("no label " + one.id);
    for (const one of all("svg:not([aria-hidden=true])")) {
      if (one.getAttribute("role") !== "img" || !one.querySelector("title").textContent) wrong.push("a silent picture");
    }
    for (const one of all("table")) {
      const heads = one.querySelectorAll("thead th[scope=col]").length;
      for (const row of one.querySelectorAll("tbody tr")) {
        if (row.children.length !== heads || !row.querySelector("th[scope=row]")) wrong.push("a crooked row");
      }
    }
    let level = 0;
    for (const one of all("main h1, main h2, main h3")) {
      const next = Number(one.tagName[1]);
      if (next > level + 1) wrong.push("a gap before " + one.textContent);
      level = next;
    }
    for (const one of all(".act, nav a")) {
      const box = one.getBoundingClientRect();
      if (box.width && box.height < 24) wrong.push("too small: " + one.textContent);
    }
    if (document.documentElement.scrollWidth > innerWidth) wrong.push("wider than the window");
    return wrong;
  },
})
