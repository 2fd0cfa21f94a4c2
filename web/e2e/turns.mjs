/** Turns of a conversation. Each begins on what is seen and heard, and hands back what came of it. */
import { speak, takeHeard, waitForSilence } from "./browser.mjs";
import { transcript, waitForAgent, waitForLine } from "./client.mjs";

/** Waits for a finished line of the assistant and for its voice to be over; resolves with both. */
export async function answer(page, pattern, after = 0) {
  const text = await waitForLine(page, "agent", pattern, { after, timeout: 45_000 });
  await waitForTurn(page);
  return { text, heard: await takeHeard(page) };
}

/** Waits until it is the caller's turn: the assistant listens, and nothing is heard of it. */
export async function waitForTurn(page) {
  await waitForAgent(page, "listening", { timeout: 45_000 });
  await waitForSilence(page);
}

/** Asks when it is the caller's turn; resolves with the answer, seen and heard. */
export async function ask(page, wav, pattern) {
  await waitForTurn(page);
  await takeHeard(page);
  const before = (await transcript(page)).length;
  await speak(page, wav);
  return answer(page, pattern, before);
}
