// Fetches this very page again and changes only the regions whose topic has changed. What comes
// is HTML of our own server, escaped there; no script in it could run here.
const AT_MOST_EVERY_MS = 500;
const policy = globalThis.trustedTypes?.createPolicy("console-fragment", { createHTML: (text) => text })
  ?? { createHTML: (text) => text };

let waiting = null; // topics to look at again: a set, or "all"
let busy = false;

// Topics are a list, or null for everything.
export function refresh(topics) {
  if (!topics || waiting === "all") waiting = "all";
  else waiting = new Set([...(waiting ?? []), ...topics]);
  if (!busy) flush();
}

function concerns(region, topics) {
  return topics === "all" || region.dataset.live.split(" ").some((topic) => topics.has(topic));
}

async function flush() {
  busy = true;
  while (waiting) {
    const topics = waiting;
    waiting = null;
    const regions = [...document.querySelectorAll("[data-live]")];
    if (regions.some((region) => concerns(region, topics))) {
      await look(topics);
      await new Promise((resolve) => setTimeout(resolve, AT_MOST_EVERY_MS));
    }
  }
  busy = false;
}

async function look(topics) {
  const answer = await fetch(location.href, { headers: { "X-Fragment": "1" } }).catch(() => null);
  if (answer?.status === 401) return location.replace(location.pathname + location.search);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(policy.createHTML(await answer.text()), "text/html");
  for (const region of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(region.id);
    // Whoever is about to decide keeps what they see; the answer is checked by its hash anyway.
    if (next && concerns(region, topics) && !region.querySelector("dialog[open]")) morph(region, next);
  }
  document.title = fresh.title;
  document.dispatchEvent(new Event("console:patched"));
}

// Makes one node like another and keeps what it can: focus, scrolling, what was typed or opened.
function morph(old, next) {
  if (old.nodeType !== next.nodeType || old.nodeName !== next.nodeName) {
    old.replaceWith(document.importNode(next, true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== next.nodeValue) old.nodeValue = next.nodeValue;
    return;
  }
  if (old.isEqualNode(next)) return;
  for (const { name } of [...old.attributes]) {
    if (!next.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  morphChildren(old, next);
}

function morphChildren(old, next) {
  const known = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  const wanted = new Set([...next.children].map((child) => child.id).filter(Boolean));
  let at = old.firstChild;
  for (const child of next.childNodes) {
    while (at?.id && !wanted.has(at.id)) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
    const match = child.id ? known.get(child.id) : at && !at.id ? at : null;
    if (!match) {
      const added = document.importNode(child, true);
      if (child.id) added.classList?.add("new");
      old.insertBefore(added, at);
    } else {
      if (match === at) at = at.nextSibling;
      else old.insertBefore(match, at);
      morph(match, child);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}
