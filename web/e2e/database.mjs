/** What the services have stored, read with psql. */
import { execFile } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const POLL_MS = 250;

export class Database {
  #environment;

  constructor(url) {
    const { username, password, hostname, port, pathname, searchParams } = new URL(url);
    this.#environment = {
      ...process.env,
      PGUSER: decodeURIComponent(username),
      PGPASSWORD: decodeURIComponent(password),
      PGHOST: hostname,
      PGPORT: port || "5432",
      PGDATABASE: pathname.slice(1),
      PGSSLMODE: searchParams.get("sslmode") ?? "prefer",
    };
  }

  /** A call as it is stored, with its turns in order. */
  async call(callId) {
    const [call] = await this.#rows(
      `SELECT c.user_id, c.state, c.end_reason, c.summary, (
         SELECT coalesce(json_agg(t ORDER BY t.position), '[]') FROM insta_agent.turns t WHERE t.call_id = c.call_id
       ) AS turns
       FROM insta_agent.calls c WHERE c.call_id = '${uuid(callId)}'`,
    );
    return call;
  }

  /** A call as soon as its end is stored. */
  async endedCall(callId) {
    return this.#until(`the end of call ${callId} is stored`, async () => {
      const call = await this.call(callId);
      return call?.state === "ended" && call;
    });
  }

  /** The summary of a call as soon as the profile has it. */
  async summaryInProfile(callId) {
    return this.#until(`the summary of call ${callId} is in the profile`, async () => {
      const [profile] = await this.#rows(
        `SELECT last_interaction_summary AS summary FROM insta_profile.profiles
         WHERE last_interaction_call_id = '${uuid(callId)}'`,
      );
      return profile?.summary;
    });
  }

  /** How many calls there are of the user with this e-mail address. */
  async callsOf(email) {
    const [{ count }] = await this.#rows(
      `SELECT count(*) AS count FROM insta_agent.calls c JOIN insta_profile.profiles p USING (user_id)
       WHERE p.email = '${email.replaceAll("'", "''")}'`,
    );
    return count;
  }

  async #rows(select) {
    const { stdout } = await run(
      process.env.PSQL ?? "psql",
      [
        "--no-psqlrc",
        "--tuples-only",
        "--no-align",
        "--command",
        `SELECT coalesce(json_agg(r), '[]') FROM (${select}) r`,
      ],
      { env: this.#environment },
    );
    return JSON.parse(stdout);
  }

  async #until(what, read, timeoutMs = 30_000) {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = await read();
      if (found) return found;
      if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
      await pause(POLL_MS);
    }
  }
}

function uuid(text) {
  if (!/^[0-9a-f-]{36}$/.test(text)) throw new Error(`${text} is no UUID`);
  return text;
}
