// What is scanned and done stays on this device until the server has it, and no shot waits for a page.
// It holds no rule: it keeps forms as they were filled in, and the server judges them.
const words = JSON.parse(document.getElementById("words").content.textContent);
const page = document.body.dataset;
const isShell = "shell" in page;
const say = (text, ...parts) => parts.reduce((told, part) => told.replace("{}", part), words[text]);

// ---------------------------------------------------------------- this device

const opened = new Promise((resolve, reject) => {
  const asked = indexedDB.open("steriledger", 1);
  asked.onupgradeneeded = () => {
    asked.result.createObjectStore("kept", { keyPath: "number", autoIncrement: true });
    asked.result.createObjectStore("runs", { keyPath: "key" });
    asked.result.createObjectStore("known");
  };
  asked.onsuccess = () => resolve(asked.result);
  asked.onerror = () => reject(asked.error);
});

async function on(name, work) {
  const transaction = (await opened).transaction(name, "readwrite", { durability: "strict" });
  const asked = work(transaction.objectStore(name));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(asked.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

const random = () => [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("");
const local = (date) => date.toLocaleString("sv").slice(0, 16);
const clock = (text) => local(new Date(text)).slice(local(new Date(text)).startsWith(local(new Date()).slice(0, 10)) ? 11 : 0);

// Who is signed in here; without a page of the server, who was. Nobody after signing out.
let me, known, token = document.querySelector("input[name=form]")?.value;
async function recognise() {
  if (!isShell && page.who) {
    await on("known", (all) => all.put({ who: page.who, person: page.person, unit: Number(page.unit), station: page.station }, "me"));
    if (page.station) await on("known", (all) => all.put({ unit: Number(page.unit), station: page.station }, "place"));
  } else if (!isShell) await on("known", (all) => all.delete("me"));
  me = await on("known", (all) => all.get("me"));
  known = await on("known", (all) => all.get("list"));
  const place = await on("known", (all) => all.get("place"));
  // somebody at a station whom nobody could ask who they are
  if (!me && isShell && place) me = { who: null, person: "", ...place };
  if (me && known?.unit !== me.unit) known = undefined;
  // what was recorded and seen by nobody, or begun and never gone on with, is forgotten after a week
  const week = new Date(Date.now() - 604_800_000).toISOString();
  for (const { number, sent } of await on("kept", (store) => store.getAll())) if (sent < week) await on("kept", (store) => store.delete(number));
  for (const { key, at } of await on("runs", (store) => store.getAll())) if (at < week) await on("runs", (store) => store.delete(key));
  if (!(await on("known", (all) => all.get("device")))) await on("known", (all) => all.put(random().slice(0, 8), "device"));
}

// ---------------------------------------------------------------- the server

let isAway = isShell, isSignedOut = false, wait = 2000;

// Whoever scans does not wait long for a server that says nothing.
async function ask(path, filled, patience = 15_000) {
  const options = filled ? { method: "POST", body: new URLSearchParams(filled) } : {};
  try {
    const answer = await fetch(path, { ...options, cache: "no-store", signal: AbortSignal.timeout(patience) });
    if (answer.status >= 502 && answer.status <= 504) throw new TypeError(answer.status);
    setAway(false);
    return answer;
  } catch (error) {
    setAway(true);
    throw error;
  }
}

function setAway(away) {
  if (away === isAway) return;
  isAway = away;
  wait = 2000;
  if (away) setTimeout(knock, wait);
  else comeBack();
  show();
}

async function knock() {
  if (!isAway) return;
  await ask("/sw.js").catch(() => setTimeout(knock, wait = Math.min(wait * 1.5, 20_000)));
}

async function comeBack() {
  await flush();
  if (run && !isShell && run.querySelector("[name=said]")) pump(true);
}

// Only a page where somebody signs in, or one that says no, is nobody's.
const leadsToSignIn = (answer) => answer.status === 403 || (answer.redirected && new URL(answer.url).pathname === "/sign-in");
const isData = (answer) => (answer.headers.get("content-type") ?? "").startsWith("application/json");

// What answers gates without the server: the list of a moment.
async function learn() {
  const answer = await ask("/offline/known");
  isSignedOut = leadsToSignIn(answer);
  if (isSignedOut) return;
  if (!isData(answer)) throw new TypeError(answer.status);
  const { form, ...list } = await answer.json();
  [token, known] = [form, list];
  me = { who: list.who, person: list.person, unit: list.unit, station: list.station };
  await on("known", (all) => all.put(list, "list"));
  await on("known", (all) => all.put(me, "me"));
}

// ---------------------------------------------------------------- what waits

const all = () => on("kept", (kept) => kept.getAll());
// what a passkey signs was sent while the server answered, and is recorded once it is signed
const isPrepared = (item) => item.state === "prepared";
const isUnsent = (item) => item.state === "waiting" || isPrepared(item);
const isMine = (item) => me && item.who === me.who && item.unit === me.unit;
const plain = ({ number, path, fields, moments, captured, device, who, person, unit }, is_live) => ({ number, path, fields, moments, captured, device, who, person, unit, is_live });

// Of a form, what a device may keep: no mark of a session, and no secret.
const filledOf = (form) => [...new FormData(form)].filter(([name, value]) => name !== "form" && typeof value === "string" && form.elements[name].type !== "password");

async function keep(form, step) {
  const said = filledOf(form).filter(([name]) => !["scan", "key"].includes(name));
  const as = form.dataset.as;
  const fields = said.map(([name, value]) => (as && name === "said" ? [as, `${value.split(">")[0]}:`] : [name, value]));
  const key = form.elements.key.value;
  const before = (await all()).find((each) => each.fields?.some(([name, value]) => name === "key" && value === key));
  const item = {
    fields: [...fields, ["key", key], ["step", step]],
    moments: form === run ? { ...before?.moments, ...moments } : {},
    path: new URL(form.action).pathname,
    title: document.querySelector("h1").textContent.trim(),
    captured: new Date().toISOString(),
    who: me.who,
    person: form.elements.performer?.value || me.person,
    unit: me.unit,
    device: me.station || `device ${await on("known", (store) => store.get("device"))}`,
    count: said.filter(([name]) => name === "said" || name === "box").length,
    state: "waiting",
    told: "",
    // what was captured before and refused keeps its number and its time
    ...(before && { number: before.number, captured: before.captured, isMended: !isPrepared(before) }),
  };
  // the browser shall not clear it away where space is short
  navigator.storage?.persist?.();
  item.number = await on("kept", (kept) => kept.put(item));
  await on("runs", (runs) => runs.delete(key));
  return item;
}

async function send(items, more = {}) {
  const filled = { form: token, sent: new Date().toISOString(), items: JSON.stringify(items.map((each) => plain(each, more.live || isPrepared(each)))) };
  if (more.others) filled.for_others = "yes";
  const answer = await ask("/offline", filled);
  isSignedOut = leadsToSignIn(answer);
  if (isSignedOut) return {};
  return isData(answer) ? answer.json() : Object.fromEntries(items.map(({ number }) => [number, { state: "waiting", told: say("answered", answer.status) }]));
}

// So many as the server takes at once, and at least one.
const MOST_BYTES = 900_000, MOST_ITEMS = 20;
const sizeOf = (item) => new URLSearchParams([["", JSON.stringify(plain(item, isPrepared(item)))]]).toString().length;
function partOf(items) {
  let bytes = 0;
  const end = items.findIndex((item, at) => (bytes += sizeOf(item)) > MOST_BYTES && at > 0);
  return items.slice(0, Math.min(end < 0 ? items.length : end, MOST_ITEMS));
}

let isFlushing = false;
async function flush(others = false) {
  if (isFlushing) return;
  isFlushing = true;
  // what waits on is tried once, and nothing waits behind it
  const tried = new Set();
  const fits = (item) => !tried.has(item.number) && (isMine(item) ? isUnsent(item) : others && item.state === "waiting" && item.unit === me?.unit);
  const work = async () => {
    if (!(await all()).some(fits)) return;
    await learn();
    for (let items; !isSignedOut && (items = (await all()).filter(fits)).length; ) {
      const part = partOf(items), answers = await send(part, { others });
      for (const item of part) {
        tried.add(item.number);
        const answer = answers[item.number] ?? { state: item.state, told: "" };
        // what is recorded needs nothing of itself here any more
        const rest = answer.state === "recorded" ? { fields: null, moments: null, sent: new Date().toISOString() } : {};
        // who signed it saw that it is recorded
        await on("kept", (kept) => (isPrepared(item) && answer.state === "recorded" ? kept.delete(item.number) : kept.put({ ...item, ...answer, ...rest })));
      }
    }
  };
  try {
    await (navigator.locks ? navigator.locks.request("send", work) : work());
  } catch { /* it waits on */ } finally { isFlushing = false; }
  show();
}

// ---------------------------------------------------------------- the banner

function make(tag, values = {}, ...children) {
  const element = Object.assign(document.createElement(tag), values);
  element.append(...children.filter(Boolean));
  return element;
}

function post(path, fields) {
  const form = make("form", { method: "post", action: path, hidden: true });
  for (const [name, value] of [...fields, ["form", token]]) form.append(make("input", { type: "hidden", name, value }));
  document.body.append(form);
  form.submit();
}

const filledIn = (item, name) => item.fields.filter(([each]) => each === name).map(([, value]) => value);

// A form of a page that takes it again goes back into it; what names no box's page is looked up.
function mend(item) {
  const [slip] = filledIn(item, "slip_code");
  if (slip) location.assign(`/receive?q=${encodeURIComponent(slip)}`);
  else if (item.path === "/trip") location.assign(item.path);
  else post(item.path, [...item.fields.filter(([name]) => name !== "step"), ["step", "scan"]]);
}

// A change of hands that fits no more is reported all the same, package by package.
function reportLink(item) {
  const said = item.path.includes("receive") ? filledIn(item, "said") : [];
  const query = new URLSearchParams(said.slice(0, 50).flatMap((each, at) => [
    [`lines.${at}.act`, "found"], [`lines.${at}.package`, each], [`lines.${at}.basis`, "scanned"],
  ]));
  return said.length ? make("a", { href: `/acts/scan-report?${query}`, role: "button", className: "secondary", textContent: words.report }) : null;
}

function row(item) {
  const tone = { recorded: "good", refused: "bad" }[item.state] ?? "warn";
  const what = `${item.number} · ${item.title}${item.count ? ` · ${item.count}` : ""} · ${say("captured", clock(item.captured))}`;
  const told = { recorded: say("recorded", clock(item.sent)), refused: `${words.refused}: ${item.told}`, aside: `${words.aside}: ${item.told}`, prepared: words.prepared }[item.state] ?? [words.waits, item.told].filter(Boolean).join(": ");
  const put = (state) => () => on("kept", (kept) => (state ? kept.put({ ...item, state }) : kept.delete(item.number))).then(show);
  const actions = make("span", { className: "tap-row" });
  if (item.state === "recorded") {
    if (item.link) actions.append(make("a", { href: item.link, role: "button", className: "secondary", textContent: words.open }));
    actions.append(make("button", { type: "button", className: "secondary", textContent: words.seen, onclick: put() }));
  } else if (isPrepared(item) && !isAway) {
    actions.append(make("a", { href: item.link, role: "button", textContent: words.open }));
    actions.append(make("button", { type: "button", className: "secondary", textContent: words["put aside"], onclick: put("aside") }));
  } else if (item.state === "refused" && !isAway) {
    actions.append(make("button", { type: "button", textContent: words.mend, onclick: () => mend(item) }));
    const report = reportLink(item);
    if (report) actions.append(report);
    actions.append(make("button", { type: "button", className: "secondary", textContent: words["put aside"], onclick: put("aside") }));
  }
  return make("li", {}, make("span", { className: `mark ${tone}`, textContent: { good: "✓", bad: "×", warn: "…" }[tone] }), ` ${what} – ${told} `, actions);
}

async function show() {
  const banner = document.getElementById("kept");
  const items = await all();
  const mine = items.filter(isMine), waiting = mine.filter((each) => each.state === "waiting");
  const refused = mine.filter((each) => each.state === "refused");
  const others = items.filter((each) => each.state === "waiting" && !isMine(each));
  const ours = others.filter((each) => each.unit === me?.unit);
  const told = [];
  if (isAway) told.push(make("p", {}, make("strong", { textContent: words.away }), ` ${me ? say("goon", me.person || me.station) : words.nobody}`));
  if (isAway && isShell && me?.who) told.push(make("button", { type: "button", className: "secondary", textContent: say("not me", me.person), onclick: () => on("known", (store) => store.delete("me")).then(() => location.reload()) }));
  else if (isShell) told.push(make("p", {}, make("strong", { textContent: words.back }), " ", make("a", { href: "", role: "button", textContent: words.reload })));
  if (waiting.length) told.push(make("p", { textContent: say("waiting", waiting.length) }));
  if ((isSignedOut || !me?.who) && !isAway && items.some((each) => each.state === "waiting")) {
    told.push(make("p", {}, `${words["signed out"]} `, make("a", { href: `/sign-in?next=${encodeURIComponent(location.pathname)}`, role: "button", textContent: words["sign in"] })));
  }
  if (refused.length) told.push(make("p", {}, make("strong", { textContent: say("refused so many", refused.length) })));
  if (others.length && me?.who) {
    const people = [...new Set(ours.map((each) => each.person || words.unnamed))].join(", ");
    told.push(make("p", { textContent: ours.length ? say("others", ours.length, people) : say("strangers", others.length) }));
    if (ours.length && !isAway) told.push(make("button", { type: "button", className: "secondary", textContent: words["send theirs"], onclick: () => flush(true) }));
  } else if (others.length) told.push(make("p", { textContent: say("strangers", others.length) }));
  if (mine.length) told.push(make("details", { open: Boolean(refused.length) || banner.querySelector("details")?.open }, make("summary", { textContent: say("all kept", mine.length) }), make("ol", { className: "plain-list" }, ...mine.map(row).reverse())));
  banner.className = `no-print note ${refused.length ? "bad" : isAway || waiting.length || others.length ? "warn" : "good"}`;
  banner.replaceChildren(...told);
  banner.hidden = !told.length;
}

// ---------------------------------------------------------------- shots

// Each shot is heard and felt, for who looks at the box and not at the screen.
let audio;
function hear(tone) {
  navigator.vibrate?.(tone === "good" ? 40 : [150, 70, 150]);
  try {
    audio ??= new AudioContext();
    const sound = audio.createOscillator();
    sound.frequency.value = tone === "good" ? 880 : 220;
    sound.connect(audio.destination);
    sound.start();
    sound.stop(audio.currentTime + (tone === "good" ? 0.08 : 0.35));
  } catch { /* a device without sound */ }
}

// On the page of the server's place, the form for the address that was asked for.
const own = [...document.querySelectorAll("template[data-page]")].find((each) => new RegExp(`^${each.dataset.page}$`).test(location.pathname));
if (own) {
  document.querySelector("main > .heading h1").textContent = document.title = own.dataset.title;
  own.after(own.content.cloneNode(true));
  document.getElementById("without").remove();
}
const run = document.querySelector("form[data-run]");
const field = run?.querySelector("#scan");
let moments = {}, isBusy = false, isStale = false;
const pending = [];

// As the server reads a run: undo takes back the shot before with what cards said of it.
function settled(said, shots) {
  const found = [...said], cards = Object.values(words.cards);
  for (const shot of shots) {
    if (shot === words.cards.undo) while (found.length && cards.includes(found.pop()));
    else if (![words.cards.done, words.cards.second_person].includes(shot) && (!cards.includes(shot) || found.length)) found.push(shot);
  }
  return found;
}

const saidSoFar = () => [...run.querySelectorAll("[name=said]")].map((each) => each.value);
const shotsOf = (pairs, name) => pairs.filter(([each]) => each === name).map(([, value]) => value);

function shoot(text, name = "scan") {
  const shot = text.replace(/^ +| +$/g, "");
  if (!shot) return;
  moments[shot] ??= new Date().toISOString();
  pending.push([name, shot]);
  save();
  pump();
}

async function save() {
  if (!me) return;
  const said = settled(saidSoFar(), shotsOf(pending, "scan")).map((each) => ["said", each]);
  const rest = filledOf(run).filter(([name, value]) => value && !["scan", "said"].includes(name));
  const fields = [...said, ...rest, ...shotsOf(pending, "ticked").map((each) => ["ticked", each])];
  const key = run.elements.key.value;
  if (said.length || fields.some(([name]) => name === "ticked")) await on("runs", (runs) => runs.put({ key, path: location.pathname, who: me.who, fields, moments, at: new Date().toISOString() }));
  else await on("runs", (runs) => runs.delete(key));
}

// What came while the page was asking goes in the next question: none waits alone, none is sent twice.
async function pump(isAgain = false) {
  isStale ||= isAgain;
  if (isBusy) return;
  isBusy = true;
  try {
    while (pending.length || isStale) {
      isStale = false;
      if (isShell || isAway) return keepShots();
      const sent = pending.slice();
      const filled = [...new FormData(run)].filter(([name, value]) => name !== "scan" && typeof value === "string");
      const answer = await ask(new URL(run.action).pathname, [...filled, ["step", "scan"], ...sent], 4000).catch(() => null);
      const fresh = answer && new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!fresh?.getElementById("said")) {
        // nobody answered, or nobody is signed in any more
        isSignedOut ||= Boolean(answer) && leadsToSignIn(answer);
        show();
        return keepShots();
      }
      pending.splice(0, sent.length);
      swap(fresh);
      save();
    }
  } finally { isBusy = false; }
}

function swap(fresh) {
  for (const part of fresh.querySelectorAll("[data-swap]")) {
    const old = document.getElementById(part.id), focused = old.contains(document.activeElement) && document.activeElement.id;
    // what was typed meanwhile stays
    for (const each of part.querySelectorAll("input:not([type=hidden]), select")) {
      const typed = old.querySelector(`[name="${CSS.escape(each.name)}"]`);
      if (typed) [each.value, each.checked] = [typed.value, typed.checked];
    }
    old.replaceChildren(...part.childNodes);
    if (focused !== false) (document.getElementById(focused) ?? field).focus();
  }
  run.querySelector("button[autofocus]")?.focus();
  const heard = run.querySelector("[data-heard]")?.dataset.heard;
  if (heard) hear(heard);
}

// The same without the server: what was scanned stands on the page, with what the list of a moment says.
function keepShots() {
  const shots = shotsOf(pending, "scan"), before = saidSoFar(), said = settled(before, shots);
  const cards = Object.values(words.cards), hidden = (name) => (value) => make("input", { type: "hidden", name, value });
  const ticked = shotsOf(pending, "ticked");
  pending.length = 0;
  run.querySelectorAll("[name=said]").forEach((each) => each.remove());
  run.querySelector("#said").append(...said.map(hidden("said")), ...ticked.map(hidden("ticked")));
  const things = [...new Set(said.filter((each) => !cards.includes(each)))];
  const lines = things.map((each) => {
    const marks = said.slice(said.lastIndexOf(each) + 1), end = marks.findIndex((mark) => !cards.includes(mark));
    const said_ = marks.slice(0, end < 0 ? undefined : end).map((mark) => words.marks[mark]);
    return { name: each, ...gate(each, said_) };
  });
  const last = shots.findLast((each) => things.includes(each));
  const isAgain = last && before.includes(last);
  const shown = lines.find((each) => each.name === last) ?? lines.at(-1);
  const told = shown && make("p", { className: `note ${isAgain ? "warn" : shown.tone}`, role: "status", textContent: `${shown.name} – ${isAgain ? words.again : shown.told}` });
  const list = lines.filter((each) => each !== shown).reverse().map((each) => make("li", {}, make("span", { className: `mark ${each.tone}`, textContent: { bad: "×", warn: "?" }[each.tone] }), ` ${each.name} – ${each.told}`));
  const scans = (part, more) => make("ol", { className: "scans", reversed: true, ...more }, ...part), earlier = list.splice(4);
  const rest = earlier.length && make("details", {}, make("summary", { textContent: say("earlier", earlier.length) }), scans(earlier, { start: earlier.length }));
  run.querySelector("#told").replaceChildren(...[told, scans(list, { start: earlier.length + list.length }), rest].filter(Boolean));
  if (!run.querySelector("#record button[name=step]") && run.querySelector("#record")) run.querySelector("#record").append(make("button", { className: "big good", name: "step", value: "done", textContent: words.record }));
  for (const button of run.querySelectorAll("#record button[value=done]")) button.textContent = say("record", things.length);
  if (shots.includes(words.cards.done)) run.querySelector("#record button")?.focus();
  if (shown) hear(isAgain ? "warn" : shown.tone);
  save();
}

// ---------------------------------------------------------------- what a shot holds, as far as a label says it

const FIXED = { "00": 18, "01": 14, "02": 14, 11: 6, 13: 6, 15: 6, 17: 6 };
function elements(text) {
  const found = {};
  for (let rest = text.replace(/^\](d2|C1|e0|Q3|J1)/, "").replace(/^\x1d/, ""); rest; ) {
    const key = rest.slice(0, 2), end = FIXED[key] ? 2 + FIXED[key] : (rest + "\x1d").indexOf("\x1d");
    if (!/^\d\d$/.test(key) || rest.length < Math.min(end, 3)) return null;
    found[key] = rest.slice(2, end);
    rest = rest.slice(end).replace(/^\x1d/, "");
  }
  return /^\d{14}$/.test(found["01"] ?? "") ? found : null;
}
function isOwn(text) {
  const digits = [...text.slice(0, -2)].map((each) => (each === "." ? "36" : String(parseInt(each, 36)).padStart(2, "0"))).join("");
  return String(98n - (BigInt(`${digits}00`) % 97n)).padStart(2, "0") === text.slice(-2);
}
const isGtin = (text) => (10 - [...text.slice(0, -1)].reduce((sum, each, at) => sum + Number(each) * (at % 2 ? 1 : 3), 0) % 10) % 10 === Number(text.at(-1));

function read(raw) {
  let text = raw.replace(/[\x00-\x1c\x1e\x1f\x7f]/g, "");
  const half = text.length / 2;
  if (half >= 6 && text.slice(0, half) === text.slice(half)) text = text.slice(0, half);
  const label = /^SL([1-9]\d*)P([A-Z0-9.]{1,40})\d\d$/.exec(text), parts = label ? null : elements(text);
  const [code, serial] = text.split("/", 2), number = known?.numbers[code] ?? code;
  const sorted = parts && Object.keys(parts).sort().map((key) => `(${key})${parts[key]}`).join("");
  const name = label ? `${label[1]}/${label[2]}` : serial ? `${number}/${serial}` : known?.codes[sorted ?? text];
  const day = parts?.["17"], date = day && `20${day.slice(0, 2)}-${day.slice(2, 4)}-${day.slice(4)}`.replace(/-00$/, "-31");
  return { name, isWrong: Boolean(label && !isOwn(text)) || Boolean(parts && !isGtin(parts["01"])), expires: date };
}

// Never "may": what is not on the list of a moment, nobody can know.
function gate(shot, marks) {
  if (run.dataset.as === "box") return { tone: "warn", told: words.taken };
  const { name, isWrong, expires } = read(shot), [listed, against] = known?.packages[name] ?? [];
  const last = expires ?? listed, since = known ? clock(known.at) : "–", today = new Date().toLocaleDateString("sv");
  const no = [isWrong && words.digit, against && `${against} (${say("list", since)})`, last && last < today && say("expired", last)].filter(Boolean);
  const told = no.length ? `${words["may not"]}: ${no.join("; ")}` : known?.packages[name] ? say("cannot know", since) : say("not listed", since);
  return { tone: no.length ? "bad" : "warn", told: [...marks, told].join("; ") };
}

// ---------------------------------------------------------------- forms

async function finish(form, step) {
  if ("keeping" in form.dataset) return;
  form.dataset.keeping = "";
  await form.photos;
  if (form === run && pending.length) keepShots();
  // what a passkey signs is shown first, and no device keeps a second person's PIN
  if ((form.elements.by?.value || [...form.querySelectorAll("input[type=password]")].some((each) => each.value)) && !isAway) {
    form.append(make("input", { type: "hidden", name: "step", value: step }));
    return HTMLFormElement.prototype.submit.call(form);
  }
  const item = await keep(form, step);
  const answers = isAway || item.isMended ? {} : await send([item], { live: true }).catch(() => ({}));
  const { state, link, told } = answers[item.number] ?? {};
  if (state === "waiting" && told) await on("kept", (kept) => kept.put({ ...item, told }));
  if (state === "prepared") {
    await on("kept", (kept) => kept.put({ ...item, state, link }));
    return location.assign(link);
  }
  if (state === "recorded" || state === "refused") {
    // a run that was refused is still there to go on with
    if (form === run && state === "refused") await save();
    await on("kept", (kept) => kept.delete(item.number));
    if (state === "recorded") return location.assign(link);
    // the page itself says what is wrong with it
    form.append(make("input", { type: "hidden", name: "step", value: step }));
    return HTMLFormElement.prototype.submit.call(form);
  }
  if (item.isMended && !isAway) {
    await flush();
    const after = (await all()).find((each) => each.number === item.number);
    if (after?.state === "recorded") return location.assign(after.link);
    if (after?.state === "refused") {
      delete form.dataset.keeping;
      delete form.dataset.sent;
      return scrollTo(0, 0);
    }
  }
  for (const each of form.querySelectorAll("#said, #told, #record")) each.replaceChildren();
  const isLast = form !== run && !("again" in form.dataset);
  if (!isLast) for (const each of form.querySelectorAll("input:not([type=hidden]), [data-photo-kept]")) each.value = "";
  form.before(make("p", { className: "note good", role: "status", textContent: say("kept", item.number) }));
  if (isLast) form.remove();
  else {
    [form.elements.key.value, moments] = [random(), {}];
    delete form.dataset.keeping;
    delete form.dataset.sent;
    (form === run ? field : form.querySelector("[data-scan]"))?.focus();
  }
  hear("good");
  show();
}

async function offerToGoOn() {
  const resume = document.querySelector("[data-resume]"), key = run.elements.key.value;
  const runs = (await on("runs", (store) => store.getAll())).filter((each) => me && each.who === me.who && each.path === location.pathname);
  moments = { ...runs.find((each) => each.key === key)?.moments, ...moments };
  const last = runs.filter((each) => each.key !== key).sort((one, other) => one.at.localeCompare(other.at)).at(-1);
  if (!resume || !last || run.querySelector("[name=said]")) return;
  resume.hidden = false;
  resume.firstElementChild.addEventListener("click", (event) => {
    event.preventDefault();
    if (!isShell) return post(location.pathname, [...last.fields, ["step", "scan"]]);
    for (const [name, value] of last.fields) if (name !== "said" && run.elements[name]) run.elements[name].value = value;
    moments = last.moments;
    pending.push(...shotsOf(last.fields, "said").map((each) => ["scan", each]));
    resume.hidden = true;
    keepShots();
  });
}

// From the first moment on no shot loads a page; what is done is kept as soon as it is known for whom.
for (const form of document.querySelectorAll("form[data-kept], form[data-run]")) {
  if (isShell) [form.action, form.elements.key.value] = [location.pathname, random()];
  form.addEventListener("submit", (event) => {
    const { name, value } = event.submitter ?? {};
    const isShot = form === run && (name === "scan" || name === "ticked" || value === "scan" || !value);
    // what is no record, such as a label, waits for the server
    if (!isShot && !(me && "kept" in form.dataset)) return;
    event.preventDefault();
    if (!isShot) finish(form, value);
    else if (name === "scan" || name === "ticked") shoot(value, name);
    else [field.value] = ["", shoot(field.value)];
  });
}
if (run) {
  run.addEventListener("change", (event) => {
    save();
    // what was scanned before is judged by it too
    if ("asks" in event.target.dataset && !isShell && run.querySelector("[name=said]")) pump(true);
  });
  run.addEventListener("keydown", (event) => {
    if (!["Enter", "Tab"].includes(event.key) || event.shiftKey || !("scan" in event.target.dataset)) return;
    // a shot into another field goes on to the next; some scanners end one with a tabulator
    if (event.target !== field && event.key === "Enter") [field.focus(), save()];
    else if (event.target === field && event.key === "Tab" && field.value) [field.value] = ["", shoot(field.value)];
    else return;
    event.preventDefault();
  });
  if (isShell) run.querySelector("[data-scan]").focus();
}

async function begin() {
  await recognise();
  if (isShell) setTimeout(knock, 500);
  if (isShell && !me) document.querySelectorAll("main form").forEach((each) => each.remove());
  for (const select of isShell ? document.querySelectorAll("select[data-units]") : []) for (const [value, text] of known?.units ?? []) select.append(new Option(text, value));
  const performer = document.querySelector("[data-performer]");
  if (performer) performer.hidden = Boolean(me?.who);
  if (run && me) await offerToGoOn();
  const heard = document.querySelector("[data-heard]")?.dataset.heard;
  if (heard) hear(heard);
  await show();
  document.documentElement.dataset.ready = "";
  if (!isShell && page.who) {
    const isOld = !known || Date.now() - new Date(known.at) > 300_000;
    if (run && isOld) await learn().catch(() => {});
    await flush();
  }
}

addEventListener("offline", () => setAway(true));
addEventListener("online", knock);
document.addEventListener("visibilitychange", () => document.hidden || (isAway ? knock() : flush()));
addEventListener("scanned", (event) => shoot(event.detail));
begin();

navigator.serviceWorker?.register("/sw.js").then(async () => {
  // the page of the server's place in the reader's language, with the files of today
  const today = document.documentElement.lang + document.querySelector("script[type=module]").src;
  const { active } = await navigator.serviceWorker.ready;
  if (!isShell && localStorage.getItem("shell") !== today) active.postMessage("load");
  localStorage.setItem("shell", today);
});
