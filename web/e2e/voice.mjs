/** Speech for the microphone and words for what was heard, both from the running system's local-ai. */
import assert from "node:assert/strict";
import { secondsOfSound, wavFile } from "./wav.mjs";

/** One whose words the recogniser hears as they are: others end "on" in a breath that it takes for an "s". */
const VOICE = "nova";

/** Makes and reads speech at an OpenAI-compatible address such as `http://127.0.0.1:7720/v1`. */
export class Voice {
  #baseUrl;

  constructor(baseUrl) {
    this.#baseUrl = baseUrl;
  }

  /** Says a text; resolves with the bytes of a WAV file. */
  async say(text) {
    const body = { model: "gpt-4o-mini-tts", voice: VOICE, input: text, response_format: "wav" };
    const answer = await this.#post("/audio/speech", JSON.stringify(body), {
      "content-type": "application/json",
    });
    return Buffer.from(await answer.arrayBuffer());
  }

  /** The words in what was heard; fails when there is no speech in it. */
  async words(heard) {
    assert.ok(secondsOfSound(heard) > 0.5, "hardly anything was heard");
    const form = new FormData();
    form.append("model", "whisper-1");
    form.append("file", new Blob([wavFile(heard)], { type: "audio/wav" }), "heard.wav");
    return (await (await this.#post("/audio/transcriptions", form)).json()).text;
  }

  async #post(path, body, headers = {}) {
    const answer = await fetch(this.#baseUrl + path, {
      method: "POST",
      body,
      headers: { authorization: `Bearer ${process.env.OPENAI_API_KEY ?? "local"}`, ...headers },
    });
    assert.ok(answer.ok, `${path} answered ${answer.status}`);
    return answer;
  }
}
