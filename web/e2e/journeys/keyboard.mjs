/** Signing in, calling and hanging up without a mouse. */

import assert from "node:assert/strict";

import { callId, waitForAgent } from "../client.mjs";

export async function keyboard(stage) {
  const alan = stage.user("alan");
  const { page, problems } = await stage.open();
  await page.getByLabel("E-mail address").waitFor();
  await tabTo(page, page.getByLabel("E-mail address"));
  await page.keyboard.type(alan.email);
  await tabTo(page, page.getByLabel("Password"));
  await page.keyboard.type(alan.password);
  await page.keyboard.press("Enter");

  const call = page.getByRole("button", { name: "Call", exact: true });
  await call.waitFor();
  await tabTo(page, call);
  await page.keyboard.press("Enter");
  await waitForAgent(page, ["listening", "thinking", "speaking"], { timeout: 25_000 });
  const id = await callId(page);
  await tabTo(page, page.getByRole("button", { name: "Hang up" }));
  await page.keyboard.press("Enter");
  await page.getByText("You hung up.").waitFor();
  assert.equal((await stage.database.endedCall(id)).end_reason, "user_hangup");
  assert.deepEqual(problems, []);
  stage.show("signing in, calling and hanging up go by keyboard alone");
}

/** Presses Tab until `target` has the focus; it must not take longer than a person would go on. */
async function tabTo(page, target) {
  for (let presses = 0; presses < 15; presses += 1) {
    await page.keyboard.press("Tab");
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`${target} cannot be reached with Tab`);
}
