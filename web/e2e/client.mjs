/** What a person does and sees on the page, for the browser test. Every wait is for something seen. */

/** Signs in and waits for the call page. */
export async function signIn(page, { email, password }) {
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Call", exact: true }).waitFor();
}

/** Creates an account and waits for the call page. */
export async function createAccount(page, { name, email, password }) {
  await page.getByRole("button", { name: "Create an account" }).click();
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Create account", exact: true }).click();
  await page.getByRole("button", { name: "Call", exact: true }).waitFor();
}

/** Presses the call button and waits until the assistant is ready; resolves with the id of the call. */
export async function startCall(page, { timeout = 25_000 } = {}) {
  await page.getByRole("button", { name: "Call", exact: true }).click();
  await page.locator(ready).waitFor({ timeout });
  return callId(page);
}

const ready = ["listening", "thinking", "speaking"]
  .map((state) => `[data-agent-state="${state}"]`)
  .join(", ");

/** The id of the call on the page. */
export async function callId(page) {
  return page.locator("[data-call-id]").getAttribute("data-call-id");
}

/** Waits until the assistant is seen in one of these states. */
export async function waitForAgent(page, states, { timeout = 15_000 } = {}) {
  const selector = [states].flat().map((state) => `[data-agent-state="${state}"]`);
  await page.locator(selector.join(", ")).waitFor({ timeout });
}

/** Everything in the transcript, in order: who, what, and whether it is finished. */
export async function transcript(page) {
  return page.locator("li[data-speaker]").evaluateAll((lines) =>
    lines.map((line) => ({
      segmentId: line.dataset.segmentId,
      speaker: line.dataset.speaker,
      text: line.querySelector(".line-text").textContent,
      final: line.dataset.final !== "false",
    })),
  );
}

/** Waits for a finished line of `speaker` that matches; resolves with its text. Lines before `after` do not count. */
export async function waitForLine(page, speaker, pattern, { after = 0, timeout = 20_000 } = {}) {
  const found = await page.waitForFunction(
    ([who, source, flags, skip]) => {
      const lines = [...document.querySelectorAll("li[data-speaker]")].slice(skip);
      const matches = (line) =>
        line.dataset.speaker === who &&
        line.dataset.final !== "false" &&
        new RegExp(source, flags).test(line.querySelector(".line-text").textContent);
      return lines.find(matches)?.querySelector(".line-text").textContent;
    },
    [speaker, pattern.source, pattern.flags, after],
    { timeout },
  );
  return found.jsonValue();
}

/** Whether the newest line of the transcript can be read without scrolling the page. */
export async function newestLineIsInView(page) {
  return page
    .locator("li[data-speaker]")
    .last()
    .evaluate((line) => {
      const { top, bottom } = line.getBoundingClientRect();
      return top >= 0 && bottom <= window.innerHeight;
    });
}

/** Hangs up and waits for the page to say so. */
export async function hangUp(page) {
  await page.getByRole("button", { name: "Hang up" }).click();
  await page.locator('[data-call-state="ended"]').waitFor();
}

/** Goes to one of the pages in the header: "Call", "Past calls" or "Account". */
export async function goTo(page, name) {
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name, exact: true }).click();
}
