/**
 * Someone new creates an account and asks through Chromium's own fake microphone, which the page opens exactly as it
 * opens a real one.
 */

import assert from "node:assert/strict";

import { createAccount, hangUp, startCall, transcript, waitForLine } from "../client.mjs";
import { answer } from "../turns.mjs";
import { afterSilence } from "../wav.mjs";

/** The file plays from the moment the microphone is opened; someone new is greeted well before this. */
const LEAD_SECONDS = 12;

export async function capturedMicrophone(stage) {
  const question = afterSilence(await stage.voice.say("What plan am I on?"), LEAD_SECONDS);
  const { page, problems } = await stage.open({
    captureFile: await stage.wav(question),
    microphone: "captured",
  });
  const email = `nora-${Date.now()}@example.com`;
  await createAccount(page, { name: "Nora Field", email, password: "a long enough password" });
  const callId = await startCall(page);
  await answer(page, /^Hello Nora Field/);
  const before = await transcript(page);
  assert.deepEqual(
    before.filter(({ speaker }) => speaker === "user"),
    [],
    "the question came too early",
  );
  assert.match(await waitForLine(page, "user", /plan/i), /what plan am i on/i);
  const { heard } = await answer(page, /plan is free/i, before.length);
  assert.match(await stage.voice.words(heard), /free/i);
  await hangUp(page);
  const { end_reason, turns } = await stage.database.endedCall(callId);
  assert.equal(end_reason, "user_hangup");
  assert.deepEqual(
    turns.map(({ role }) => role),
    ["assistant", "user", "assistant"],
  );
  assert.deepEqual(problems, []);
  stage.show(
    "a new account: a question through the browser's own capture is answered, and the call is stored",
  );
}
