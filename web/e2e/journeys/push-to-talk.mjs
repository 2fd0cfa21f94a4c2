/** A call whose turns need a button: held with the mouse, then with a key. What is said without it is not heard. */

import assert from "node:assert/strict";

import { speak } from "../browser.mjs";
import { callId, hangUp, signIn, startCall, transcript, waitForLine } from "../client.mjs";
import { answer, waitForTurn } from "../turns.mjs";

export async function pushToTalk(stage) {
  const { page, problems } = await stage.open();
  const [password, plan] = await Promise.all([
    stage.wav("How do I reset my password?"),
    stage.wav("What plan am I on?"),
  ]);
  await signIn(page, stage.user("ada"));
  await startCall(page);
  await answer(page, /^Hello Ada Miller/);
  const button = page.getByRole("button", { name: "Hold to talk" });

  await speak(page, password);
  await button.hover();
  await page.mouse.down();
  await page.getByRole("button", { name: "Hold to talk", pressed: true }).waitFor();
  await speak(page, plan);
  await page.mouse.up();
  assert.match(
    await waitForLine(page, "user", /./),
    /^what plan am i on/i,
    "only what was said with the button",
  );
  const { heard } = await answer(page, /plan is free/i);
  assert.match(await stage.voice.words(heard), /free/i);
  stage.show("what is said while the button is held is answered, and nothing else");

  await waitForTurn(page);
  const before = (await transcript(page)).length;
  await button.focus();
  await page.keyboard.down("Space");
  await speak(page, password);
  await page.keyboard.up("Space");
  await answer(page, /forgot password/i, before);
  const id = await callId(page);
  await hangUp(page);
  const { turns } = await stage.database.endedCall(id);
  assert.deepEqual(
    turns.map(({ role }) => role),
    ["assistant", "user", "assistant", "user", "assistant"],
  );
  assert.deepEqual(problems, []);
  stage.show("the space bar holds it as well");
}
