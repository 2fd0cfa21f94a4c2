/** A whole call by voice, what is left of it on record, and the next call that remembers it. */

import assert from "node:assert/strict";

import { speak, takeHeard, waitForSilence, waitForSpeech } from "../browser.mjs";
import {
  goTo,
  hangUp,
  newestLineIsInView,
  signIn,
  startCall,
  transcript,
  waitForAgent,
  waitForLine,
} from "../client.mjs";
import { answer, ask, waitForTurn } from "../turns.mjs";

const PLAN = "What plan am I on?";
const PASSWORD = "How do I reset my password?";
const LONG = "How do I make signing in safer with a code from my phone?";
const INTERRUPTION = "Sorry, wait. How big can a file be when I upload it?";

export async function conversation(stage) {
  const opened = await stage.open();
  const { page, problems } = opened;
  await signIn(page, stage.user("ada"));
  const callId = await startCall(page);
  await theCallerIsGreeted(stage, page);
  await theAccountIsKnown(stage, page);
  await theArticlesAreKnown(stage, page);
  const interrupted = await theAssistantLetsItselfBeInterrupted(stage, page);
  const seen = await transcript(page);
  await theCallIsHungUp(stage, page);
  const summary = await theCallIsStored(stage, callId, seen, interrupted);
  await theRecordIsShown(stage, page, callId, seen);
  await theAccountPageTellsOfIt(stage, page, summary);
  await theNextCallRemembers(stage, page, summary);
  assert.deepEqual(problems, []);
}

async function theCallerIsGreeted(stage, page) {
  const greeting = await answer(page, /^Hello Ada Miller/);
  assert.match(await stage.voice.words(greeting.heard), /help you/i);
  stage.show("the caller is greeted by name, and hears it");
}

async function theAccountIsKnown(stage, page) {
  const { heard } = await ask(page, await stage.wav(PLAN), /plan is free/i);
  assert.match(await stage.voice.words(heard), /free/i);
  stage.show("a question about the account is answered, seen and heard");
}

async function theArticlesAreKnown(stage, page) {
  const { heard } = await ask(page, await stage.wav(PASSWORD), /forgot password/i);
  assert.match(await stage.voice.words(heard), /forgot password/i);
  stage.show("a question about how something works is answered, seen and heard");
}

/** Talks over a long answer; resolves with what the transcript keeps of it. */
async function theAssistantLetsItselfBeInterrupted(stage, page) {
  const [question, interruption] = await Promise.all([stage.wav(LONG), stage.wav(INTERRUPTION)]);
  await waitForTurn(page);
  await takeHeard(page);
  const before = (await transcript(page)).length;
  const asked = await speak(page, question);
  await waitForSpeech(page, { since: asked.endedAt, seconds: 2 });

  await waitForAgent(page, "speaking");
  const speaking = speak(page, interruption);
  await waitForAgent(page, "listening");
  const silentSince = await waitForSilence(page, { quietMs: 400 });
  const spoken = await speaking;
  assert.equal(
    spoken.heardUntil,
    silentSince,
    "the assistant was heard again before the caller had finished",
  );
  // A pause between two clauses may have begun before the interruption.
  const wentOn = Math.max(0, silentSince - spoken.startedAt);
  stage.show(`the assistant falls silent ${Math.round(wentOn)} ms into being talked over`);

  const heard = await stage.voice.words(await takeHeard(page));
  const kept = await waitForLine(page, "agent", /two-factor/i, { after: before });
  assertKeptToWhatWasHeard(kept, heard);
  stage.show("the transcript keeps of the interrupted answer what was heard of it");

  const reply = await answer(page, /25 megabytes/i, before);
  assert.match(await stage.voice.words(reply.heard), /25 ?(megabytes|MB)/i);
  stage.show("the interrupting question is answered, seen and heard");
  return kept;
}

/**
 * A recogniser may mishear a word, above all one that is cut, and what was on its way does not count: the texts end
 * within two long words of each other, or a few short ones.
 */
function assertKeptToWhatWasHeard(kept, heard) {
  const both = `\nkept: ${kept}\nheard: ${heard}`;
  const letters = (text) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  assert.match(heard, /two.?factor/i, both);
  assert.doesNotMatch(kept, /after your password/i, "the whole answer is in the transcript");
  const words = (text) => text.toLowerCase().match(/[a-z0-9']+/g) ?? [];
  const apart = (measure) => Math.abs(measure(kept).length - measure(heard).length);
  assert.ok(apart(words) <= 2 || apart(letters) < 16, `another text was kept${both}`);
}

async function theCallIsHungUp(stage, page) {
  assert.ok(await newestLineIsInView(page), "the newest line is out of view");
  const { x, y, width, height } = await page.getByRole("button", { name: "Hang up" }).boundingBox();
  await hangUp(page);
  assert.equal(await page.evaluate(() => window.scrollY), 0, "hanging up scrolled the page");
  const pressedAgain = await page.evaluate(
    ([left, top]) => document.elementFromPoint(left, top).closest("button")?.textContent,
    [x + width / 2, y + height / 2],
  );
  assert.equal(pressedAgain, undefined, "a second press on the same place does something else");
  stage.show("hanging up ends the call and leaves its words in view");
}

async function theCallIsStored(stage, callId, seen, interrupted) {
  const call = await stage.database.endedCall(callId);
  assert.equal(call.user_id, stage.user("ada").user_id);
  assert.equal(call.end_reason, "user_hangup");
  assert.deepEqual(
    call.turns.map(({ role, text }) => [role === "user" ? "user" : "agent", text]),
    seen.map(({ speaker, text }) => [speaker, text]),
  );
  assert.deepEqual(
    call.turns.filter((turn) => turn.interrupted).map(({ text }) => text),
    [interrupted],
  );
  assert.ok(call.turns.every(({ role, latency }) => role === "assistant" || latency === null));
  stage.show(`${call.turns.length} turns and the end reason are in the database, as they were seen`);
  const summary = await stage.database.summaryInProfile(callId);
  assert.match(summary, /password/i);
  stage.show("the summary is in the profile");
  return summary;
}

async function theRecordIsShown(stage, page, callId, seen) {
  await goTo(page, "Past calls");
  await page.locator(`a[href="/calls/${callId}"]`).click();
  const record = page.locator(`[data-call-record="${callId}"]`);
  await record.waitFor();
  await record.getByText("You hung up").waitFor();
  assert.deepEqual(
    (await transcript(page)).map(({ speaker, text }) => [speaker, text]),
    seen.map(({ speaker, text }) => [speaker, text]),
  );
  await record.locator('[data-tool="get_account"]').first().waitFor();
  await record.locator('[data-tool="search_knowledge"] [data-source="reset-password"]').first().waitFor();
  await record.getByText("You interrupted here.").waitFor();
  stage.show("the call is among the past calls with its transcript, tools and sources");
}

async function theAccountPageTellsOfIt(stage, page, summary) {
  await goTo(page, "Account");
  await page.getByRole("region", { name: "Your last call" }).getByText(summary).waitFor();
  stage.show("the account page tells what the last call was about");
}

async function theNextCallRemembers(stage, page, summary) {
  await goTo(page, "Call");
  await takeHeard(page);
  const callId = await startCall(page);
  const greeting = await answer(page, /Last time, you asked/);
  const topic = greeting.text.match(/Last time, you (.*?[.?]) How can I help/)?.[1];
  // What is quoted in the summary is not when it is spoken.
  assert.ok(
    topic && summary.replaceAll('"', "").includes(topic),
    `greeted with ${greeting.text}\nthe summary was ${summary}`,
  );
  assert.match(await stage.voice.words(greeting.heard), /last time.*upload/i);
  await hangUp(page);
  assert.equal((await stage.database.endedCall(callId)).end_reason, "user_hangup");
  stage.show("the next call is greeted with what the last one was about");
}
