/** The page as each demo user finds it: signing in and the account. */

import assert from "node:assert/strict";

import { goTo, signIn } from "../client.mjs";

export async function signingIn(stage) {
  await aWrongPasswordIsTold(stage);
  for (const user of stage.state.users) await anAccountIsItsOwners(stage, user);
}

async function aWrongPasswordIsTold(stage) {
  const { page, context } = await stage.open();
  await page.getByLabel("E-mail address").fill(stage.user("ada").email);
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await context.close();
  stage.show("a wrong password is told");
}

async function anAccountIsItsOwners(stage, user) {
  const { page, context, problems } = await stage.open();
  await signIn(page, user);
  await goTo(page, "Account");
  await page.getByText(user.email, { exact: true }).first().waitFor();
  const plan = page.getByRole("region", { name: "Profile" }).locator("dt", { hasText: "Plan" });
  assert.equal(
    (await plan.locator("xpath=following-sibling::dd").textContent()).toLowerCase(),
    user.subscription_tier,
  );
  const text = await page.locator("main").textContent();
  for (const other of stage.state.users.filter((other) => other !== user)) {
    assert.ok(!text.includes(other.email), `${user.email} sees ${other.email}`);
  }
  assert.deepEqual(problems, []);
  await context.close();
  stage.show(`${user.email} sees their own account and plan`);
}
