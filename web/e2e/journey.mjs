/** The page as each demo user finds it: signing in and the account, on the running system. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { launchBrowser, openPage } from "./browser.mjs";
import { goTo, signIn } from "./client.mjs";

const state = JSON.parse(await readFile(process.env.INSTA_STATE, "utf8"));
const browser = await launchBrowser();
try {
  await aWrongPasswordIsTold(state.users[0]);
  for (const user of state.users) await anAccountIsItsOwners(user);
} finally {
  await browser.close();
}

async function aWrongPasswordIsTold({ email }) {
  const { page, context } = await openPage(browser);
  await page.goto(state.web.url);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await context.close();
  process.stdout.write("a wrong password is told\n");
}

async function anAccountIsItsOwners(user) {
  const { page, context, problems } = await openPage(browser);
  await page.goto(state.web.url);
  await signIn(page, user);
  await goTo(page, "Account");
  await page.getByText(user.email, { exact: true }).first().waitFor();
  const text = await page.locator("main").textContent();
  assert.match(text, new RegExp(user.subscription_tier, "i"), `${user.email} sees another plan`);
  for (const other of state.users.filter((other) => other !== user)) {
    assert.ok(!text.includes(other.email), `${user.email} sees ${other.email}`);
  }
  assert.deepEqual(problems, []);
  await context.close();
  process.stdout.write(`${user.email} sees their own account\n`);
}
