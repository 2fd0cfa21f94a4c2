/**
 * Starts Chromium for the browser test, with a microphone that the test controls and an ear on what the page plays.
 *
 * Two kinds of microphone: one that the test speaks into whenever it wants (`speak`), and Chromium's own fake
 * capture, which plays one file once from the moment the page opens the microphone (`captureFile`).
 */
import { readFile } from "node:fs/promises";
import { chromium } from "playwright-core";
import { installEar, installMicrophone } from "./in-page.mjs";

/** Starts Chromium. `captureFile`: a WAV for Chromium's own fake microphone. The caller closes it. */
export async function launchBrowser({ captureFile, headless = true } = {}) {
  const args = [
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
  ];
  if (captureFile) args.push(`--use-file-for-fake-audio-capture=${captureFile}%noloop`);
  // Chromium's sandbox does not work as root.
  if (process.getuid?.() === 0) args.push("--no-sandbox");
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless, args });
}

/**
 * Opens a page with an ear, in a context of its own. `microphone`: "spoken" for `speak`, "captured" for Chromium's
 * fake capture, or a DOMException's name such as "NotAllowedError" to have it refused. `context`: further options of
 * playwright's `newContext`. `problems` gathers what the page throws and what it logs as an error.
 */
export async function openPage(browser, { microphone = "spoken", context: options = {} } = {}) {
  const context = await browser.newContext({ permissions: ["microphone"], bypassCSP: true, ...options });
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  await page.addInitScript(installEar);
  if (microphone !== "captured") {
    const refusal = microphone === "spoken" ? undefined : microphone;
    await page.addInitScript(installMicrophone, { refusal });
  }
  return { page, context, problems };
}

/** Says a WAV file into the page's microphone; resolves when it is over, with its times as `play` tells them. */
export async function speak(page, wavFile) {
  const base64 = (await readFile(wavFile)).toString("base64");
  return page.evaluate((wav) => window.__mic.play(wav), base64);
}

/** Falls silent in the middle of what `speak` is saying. */
export async function stopSpeaking(page) {
  await page.evaluate(() => window.__mic.stop());
}

/** Refuses the microphone from now on (a DOMException's name), or grants it (undefined). */
export async function refuseMicrophone(page, refusal) {
  await page.evaluate((name) => {
    window.__mic.refusal = name;
  }, refusal);
}

/** What the page has played since the last time it was asked: 16-bit samples and their rate. */
export async function takeHeard(page) {
  const { sampleRate, base64Pcm } = await page.evaluate(() => window.__ear.take());
  const bytes = Buffer.from(base64Pcm, "base64");
  const samples = new Int16Array(bytes.length / 2);
  for (let index = 0; index < samples.length; index += 1) samples[index] = bytes.readInt16LE(index * 2);
  return { sampleRate, samples };
}

/** Waits until so many seconds of sound have been heard after `since` (page time). */
export async function waitForSpeech(page, { since, seconds, timeout = 30_000 }) {
  await page.waitForFunction(([from, wanted]) => window.__ear.soundSince(from) >= wanted, [since, seconds], {
    timeout,
    polling: 20,
  });
}

/** Waits until nothing has been heard for `quietMs`; resolves with when the last sound was, in page time. */
export async function waitForSilence(page, { quietMs = 700, timeout = 30_000 } = {}) {
  await page.waitForFunction((quiet) => performance.now() - window.__ear.lastSoundAt > quiet, quietMs, {
    timeout,
    polling: 20,
  });
  return page.evaluate(() => window.__ear.lastSoundAt);
}
