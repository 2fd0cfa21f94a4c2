/** A microphone that may not be used: the page says so, takes no place, and calls once it is allowed. */

import assert from "node:assert/strict";

import { refuseMicrophone } from "../browser.mjs";
import { hangUp, signIn, waitForAgent } from "../client.mjs";

export async function deniedMicrophone(stage) {
  const helen = stage.user("helen");
  const { page, problems } = await stage.open({ microphone: "NotAllowedError" });
  await signIn(page, helen);
  const callsBefore = await stage.database.callsOf(helen.email);
  await page.getByRole("button", { name: "Call", exact: true }).click();
  const words = await page.getByRole("alert").textContent();
  assert.match(words, /This page may not use your microphone\. Allow it/);
  assert.equal(await stage.database.callsOf(helen.email), callsBefore);
  stage.show("a denied microphone is told in words that help, and no call is begun");

  await refuseMicrophone(page, undefined);
  await page.getByRole("button", { name: "Try again" }).click();
  await waitForAgent(page, ["listening", "thinking", "speaking"], { timeout: 25_000 });
  await hangUp(page);
  assert.deepEqual(problems, []);
  stage.show("once it is allowed, trying again calls");
}
