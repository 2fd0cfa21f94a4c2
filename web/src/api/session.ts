/**
 * The session token: traded for the identity provider's token, held in memory only, renewed before it ends.
 */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Client, Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { AuthService } from "../gen/insta/auth/v1/auth_service_pb";
import { isUnauthenticated, reasonOf } from "./errors";
import type { Identity } from "./identity";

const RENEW_BEFORE_MS = 60_000;

interface Token {
  text: string;
  /** From when on a new one is fetched, in milliseconds of the page's clock. */
  renewAt: number;
}

/** Holds the session token of whoever is signed in. */
export class Session {
  readonly #auth: Client<typeof AuthService>;
  readonly #identity: Pick<Identity, "idToken">;
  readonly #now: () => number;
  readonly #onEnded = new Set<() => void>();
  #token: Token | undefined;
  #renewal: Promise<Token> | undefined;

  constructor(
    auth: Client<typeof AuthService>,
    identity: Pick<Identity, "idToken">,
    now: () => number = Date.now,
  ) {
    this.#auth = auth;
    this.#identity = identity;
    this.#now = now;
  }

  /** A token that lives for a minute at least; fetched when there is none. Many callers share one fetch. */
  async token(): Promise<string> {
    if (this.#token && this.#now() < this.#token.renewAt) return this.#token.text;
    return (await this.#renew(false)).text;
  }

  /** A token other than `refused`, which a service did not accept. */
  async replace(refused: string): Promise<string> {
    if (this.#token && this.#token.text !== refused) return this.token();
    return (await this.#renew(true)).text;
  }

  /** Forgets the token, for instance because someone else signed in. */
  clear(): void {
    this.#token = undefined;
    this.#renewal = undefined;
  }

  /** Tells when the services no longer accept this person. Returns what ends it. */
  onEnded(listener: () => void): () => void {
    this.#onEnded.add(listener);
    return () => this.#onEnded.delete(listener);
  }

  /** To be called when even a fresh token was refused. */
  end(): void {
    this.clear();
    for (const listener of this.#onEnded) listener();
  }

  #renew(fresh: boolean): Promise<Token> {
    if (this.#renewal) return this.#renewal;
    const renewal = this.#trade(fresh);
    const settled = () => {
      if (this.#renewal === renewal) this.#renewal = undefined;
    };
    this.#renewal = renewal;
    renewal.then((token) => {
      // After clear() this renewal belongs to someone who has left.
      if (this.#renewal === renewal) this.#token = token;
      settled();
    }, settled);
    return renewal;
  }

  async #trade(fresh: boolean): Promise<Token> {
    const idToken = await this.#identity.idToken(fresh);
    const { sessionToken, expireTime } = await this.#auth.createSession({ idToken });
    const now = this.#now();
    const end = expireTime ? timestampMs(expireTime) : now;
    // The page's clock may be ahead of the server's; a token just made is good for a while all the same.
    return { text: sessionToken, renewAt: Math.max(end - RENEW_BEFORE_MS, now + RENEW_BEFORE_MS) };
  }
}

/** Sends the session token with every RPC; when it is refused, renews it and tries once more. */
export function authenticate(session: Session): Interceptor {
  return (next) => async (request) => {
    const attempt = async (token: string) => {
      request.header.set("authorization", `Bearer ${token}`);
      return next(request);
    };
    try {
      const token = await session.token();
      try {
        return await attempt(token);
      } catch (error) {
        // The messages of a stream are gone once sent.
        if (!isUnauthenticated(error) || request.stream) throw error;
        return await attempt(await session.replace(token));
      }
    } catch (error) {
      if (request.stream || !(isUnauthenticated(error) || reasonOf(error) === "SIGN_IN_ENDED")) throw error;
      session.end();
      throw new ConnectError("not signed in", Code.Unauthenticated, undefined, undefined, error);
    }
  };
}
