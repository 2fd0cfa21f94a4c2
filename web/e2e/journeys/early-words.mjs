/** Someone who does not wait: they ask while the page still connects, and are heard all the same. */

import assert from "node:assert/strict";

import { speak } from "../browser.mjs";
import { hangUp, signIn, transcript, waitForLine } from "../client.mjs";
import { answer } from "../turns.mjs";

const START_CALL = "**/insta.agent.v1.AgentService/StartCall";

export async function earlyWords(stage) {
  const { page, problems } = await stage.open();
  await signIn(page, stage.user("helen"));
  const question = await stage.wav("What plan am I on?");
  // There is no call before all of it has been said.
  let begin;
  const said = new Promise((resolve) => {
    begin = resolve;
  });
  await page.route(START_CALL, async (route) => {
    await said;
    await route.continue();
  });
  await page.getByRole("button", { name: "Call", exact: true }).click();
  await page.getByText("Calling…").waitFor();
  await speak(page, question);
  begin();
  assert.match(await waitForLine(page, "user", /plan/i), /what plan am i on/i);
  const { heard } = await answer(page, /enterprise/i);
  assert.match(await stage.voice.words(heard), /enterprise/i);
  const asked = (await transcript(page)).filter(({ speaker }) => speaker === "user");
  assert.equal(asked.length, 1, "the question was heard twice");
  await hangUp(page);
  assert.deepEqual(problems, []);
  stage.show("what is said while connecting is heard, and answered");
}
