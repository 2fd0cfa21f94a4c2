/**
 * Drives the page of the running system through the usual journeys, or through those named as arguments.
 *
 * A journey is a function that is handed a `Stage`. It says with `show` what it has shown; the first failure ends
 * the run and leaves a screenshot of each page that was open, what the page complained of, and where the logs are.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { launchBrowser, openPage } from "./browser.mjs";
import { Database } from "./database.mjs";
import { capturedMicrophone } from "./journeys/captured-microphone.mjs";
import { conversation } from "./journeys/conversation.mjs";
import { deniedMicrophone } from "./journeys/denied-microphone.mjs";
import { earlyWords } from "./journeys/early-words.mjs";
import { keyboard } from "./journeys/keyboard.mjs";
import { pushToTalk } from "./journeys/push-to-talk.mjs";
import { signingIn } from "./journeys/sign-in.mjs";
import { Voice } from "./voice.mjs";

const JOURNEYS = {
  "sign-in": signingIn,
  conversation,
  "early-words": earlyWords,
  "captured-microphone": capturedMicrophone,
  "denied-microphone": deniedMicrophone,
  keyboard,
};

/** Those that need a setting of the system: made only when they are named. */
const OTHERS = { "push-to-talk": pushToTalk };

/** Where a journey plays: the running system, and browsers that are closed behind it. */
class Stage {
  #name;
  #folder;
  #browsers = [];
  #opened = [];

  constructor(name, state, folder) {
    this.#name = name;
    this.#folder = folder;
    this.state = state;
    this.voice = new Voice(state.local_ai.base_url);
    this.database = new Database(state.database.url);
  }

  /** The demo user of this name. */
  user(name) {
    return this.state.users.find(({ email }) => email.startsWith(`${name}@`));
  }

  /** Opens the page in a browser; `captureFile` as in `launchBrowser`, the rest as in `openPage`. */
  async open({ captureFile, ...options } = {}) {
    let browser = this.#browsers.find((known) => known.captureFile === captureFile)?.browser;
    if (!browser) {
      browser = await launchBrowser({ captureFile });
      this.#browsers.push({ browser, captureFile });
    }
    const opened = await openPage(browser, options);
    this.#opened.push(opened);
    await opened.page.goto(this.state.web.url);
    return opened;
  }

  /** Speaks a text, or keeps any WAV; resolves with the file. */
  async wav(textOrBytes) {
    const bytes = typeof textOrBytes === "string" ? await this.voice.say(textOrBytes) : textOrBytes;
    const file = join(await mkdtemp(join(this.#folder, "wav-")), "speech.wav");
    await writeFile(file, bytes);
    return file;
  }

  show(line) {
    process.stdout.write(`${this.#name}: ${line}\n`);
  }

  /** Leaves what helps to find out why the journey failed. */
  async report(error, folder) {
    const say = (text) => process.stderr.write(`${text}\n`);
    say(`${this.#name} failed: ${error.stack}`);
    await mkdir(folder, { recursive: true });
    for (const [index, { page, problems }] of this.#opened.entries()) {
      if (page.isClosed()) continue;
      const path = join(folder, `${this.#name}-${index + 1}.png`);
      await page.screenshot({ path, fullPage: true }).then(
        () => say(`screenshot: ${path}`),
        (reason) => say(`no screenshot: ${reason}`),
      );
      for (const problem of problems) say(`the page complained: ${problem}`);
    }
    say(`logs of the services: ${join(dirname(process.env.INSTA_STATE), "logs")}`);
  }

  async close() {
    for (const { browser } of this.#browsers) await browser.close();
  }
}

async function play(name, state, folder) {
  const stage = new Stage(name, state, folder);
  try {
    await { ...JOURNEYS, ...OTHERS }[name](stage);
    return true;
  } catch (error) {
    await stage.report(error, join(dirname(process.env.INSTA_STATE), "e2e"));
    return false;
  } finally {
    await stage.close();
  }
}

const asked = process.argv.slice(2);
const known = Object.keys({ ...JOURNEYS, ...OTHERS });
const unknown = asked.filter((name) => !known.includes(name));
if (unknown.length > 0) throw new Error(`no journey: ${unknown}; there are ${known.join(", ")}`);

const state = JSON.parse(await readFile(process.env.INSTA_STATE, "utf8"));
const folder = await mkdtemp(join(tmpdir(), "insta-e2e-"));
try {
  for (const name of asked.length > 0 ? asked : Object.keys(JOURNEYS)) {
    if (!(await play(name, state, folder))) {
      process.exitCode = 1;
      break;
    }
  }
} finally {
  await rm(folder, { recursive: true });
}
