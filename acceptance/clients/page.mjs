// Looks at the page of a server as people do, in the system's Chromium: node page.mjs URL FOLDER
//
// In two widths and two themes, with and without JavaScript: takes a picture of the whole page into FOLDER, writes down
// what the console says and what is fetched, asks axe what keeps people out, whether the page is wider than the window,
// and what it says of the server's health in which colour.
// Opens the block of a client, and where there is JavaScript presses its button and reads the clipboard.
//
// FARCALL_PEERS names the folder that peers/install filled. Prints one line of JSON.

import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [url, folder] = process.argv.slice(2);
const require = createRequire(path.resolve(process.env.FARCALL_PEERS, "browser", "package.json"));
const { default: puppeteer } = await import(pathToFileURL(require.resolve("puppeteer-core")));
const axe = require("axe-core");

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
  protocolTimeout: 60_000,
});
const origin = new URL(url).origin;
await browser.defaultBrowserContext().overridePermissions(origin, ["clipboard-read", "clipboard-sanitized-write"]);

const seen = [];
for (const theme of ["light", "dark"]) {
  for (const width of [390, 1280]) {
    for (const script of [true, false]) {
      seen.push(await look(theme, width, script));
    }
  }
}
await browser.close();
console.log(JSON.stringify(seen));

async function look(theme, width, script) {
  const page = await browser.newPage();
  const said = [], fetched = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("request", (request) => fetched.push(request.url()));
  await page.setViewport({ width, height: 900, deviceScaleFactor: 1, hasTouch: width < 500, isMobile: width < 500 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
  await page.setJavaScriptEnabled(script);
  const answer = await page.goto(url, { waitUntil: "load" });
  await page.screenshot({ path: path.join(folder, `${theme}-${width}-${script ? "script" : "plain"}.png`), fullPage: true });
  // From now on for us: what the page's own script would have done at its start stays undone.
  await page.setJavaScriptEnabled(true);
  const used = { ...(await open(page)), ...(script ? await copy(page) : {}) };
  const [isTooWide, ground, health, dot] = await page.evaluate(() => {
    const health = document.querySelector(".health");
    return [
      document.documentElement.scrollWidth > window.innerWidth,
      getComputedStyle(document.body).backgroundColor,
      health.textContent,
      getComputedStyle(health, "::before").backgroundColor,
    ];
  });
  const [red, green, blue] = dot.match(/\d+/g).map(Number);
  // The rules are a script of ours, and only look; every block open, or they would not see it.
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    for (const details of document.querySelectorAll("details")) {
      details.removeAttribute("name");
      details.open = true;
    }
    const found = await globalThis.axe.run(document);
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
  });
  const view = {
    theme, width, script, status: answer.status(), said, isTooWide, ground, violations, health,
    isRed: red > green && red > blue,
    elsewhere: fetched.filter((target) => !target.startsWith("data:") && target !== url),
    ...used,
  };
  await page.close();
  return view;
}

/// What a button copies, and what it says then.
async function copy(page) {
  await page.bringToFront();
  const button = await page.$("button[data-copies=block-codex]");
  // What it says falls back after two seconds, in which a busy machine may not look.
  await page.evaluate((button) => {
    const label = button.firstElementChild;
    globalThis.said = new Promise((heard) => {
      new MutationObserver((_, observer) => { observer.disconnect(); heard(label.textContent); })
        .observe(label, { childList: true, characterData: true, subtree: true });
    });
  }, button);
  await button.click();
  return page.evaluate(async (button) => ({
    button: await globalThis.said,
    isCopied: (await navigator.clipboard.readText()) === document.getElementById("block-codex").textContent,
  }), button);
}

/// Whether a click opens a block, and how many buttons are there, which can do nothing without the script.
async function open(page) {
  const client = (name) => page.$(`xpath/.//details[summary[text()="${name}"]]`);
  const isOpen = async (name) => (await client(name)).evaluate((details) => details.open);
  const before = [await isOpen("Claude Code"), await isOpen("Codex")];
  await (await (await client("Codex")).$("summary")).click();
  const after = [await isOpen("Claude Code"), await isOpen("Codex")];
  const buttons = await page.$$eval("button", (all) => all.filter((button) => button.checkVisibility()).length);
  return { before, after, buttons };
}
