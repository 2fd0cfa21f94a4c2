import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, createClient, createRouterTransport, type HandlerContext } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { AuthService } from "../gen/insta/auth/v1/auth_service_pb";
import { ProfileService } from "../gen/insta/profile/v1/profile_service_pb";
import { failure } from "../test/errors";
import { FakeIdentity } from "../test/fakes";
import { PageError } from "./errors";
import { authenticate, Session } from "./session";

const LIFETIME_MS = 900_000;

/** auth-svc that numbers its tokens, profile-svc that accepts those it is told to, and a clock to move. */
function world() {
  const clock = { now: 1_000_000, aheadOfServer: 0 };
  const auth = { made: 0, error: undefined as unknown };
  const profile = { seen: [] as string[], accepts: (_token: string) => true };
  const identity = new FakeIdentity({ email: "ada@example.com" });
  const open = (interceptors: Parameters<typeof createRouterTransport>[1]) =>
    createRouterTransport((router) => {
      router.service(AuthService, {
        createSession: () => {
          if (auth.error) throw auth.error;
          auth.made += 1;
          const expireTime = timestampFromMs(clock.now - clock.aheadOfServer + LIFETIME_MS);
          return { sessionToken: `t${auth.made}`, expireTime };
        },
      });
      router.service(ProfileService, {
        getProfile: (_request, context: HandlerContext) => {
          const token = context.requestHeader.get("authorization")?.replace("Bearer ", "") ?? "";
          profile.seen.push(token);
          if (!profile.accepts(token)) throw failure(Code.Unauthenticated, "SESSION_INVALID");
          return {};
        },
      });
    }, interceptors);
  const session = new Session(createClient(AuthService, open({})), identity, () => clock.now);
  const transport = open({ transport: { interceptors: [authenticate(session)] } });
  let ended = 0;
  session.onEnded(() => {
    ended += 1;
  });
  const call = () => createClient(ProfileService, transport).getProfile({});
  return { clock, auth, profile, identity, session, call, ended: () => ended };
}

describe("session", () => {
  it("is opened once for many RPCs at the same time", async () => {
    const { call, auth, profile } = world();
    await Promise.all([call(), call(), call()]);
    expect(auth.made).toBe(1);
    expect(profile.seen).toEqual(["t1", "t1", "t1"]);
  });

  it("is renewed a minute before it ends, not earlier", async () => {
    const { call, clock, profile } = world();
    await call();
    clock.now += LIFETIME_MS - 60_001;
    await call();
    clock.now += 1;
    await call();
    expect(profile.seen).toEqual(["t1", "t1", "t2"]);
  });

  it("is renewed with a fresh identity when refused, and the RPC is tried once more", async () => {
    const { call, profile, identity, ended } = world();
    await call();
    profile.accepts = (token) => token !== "t1";
    await call();
    expect(profile.seen).toEqual(["t1", "t1", "t2"]);
    expect(identity.idTokensFresh).toEqual([false, true]);
    expect(ended()).toBe(0);
  });

  it("ends when a fresh token is refused too", async () => {
    const { call, profile, ended } = world();
    profile.accepts = () => false;
    await expect(call()).rejects.toMatchObject({ code: Code.Unauthenticated });
    expect(profile.seen).toEqual(["t1", "t2"]);
    expect(ended()).toBe(1);
  });

  it("ends when the identity provider no longer knows the person", async () => {
    const { call, identity, ended } = world();
    identity.failNext = new PageError("SIGN_IN_ENDED");
    await expect(call()).rejects.toMatchObject({ code: Code.Unauthenticated });
    expect(ended()).toBe(1);
  });

  it("outlives a failure of auth-svc that passes", async () => {
    const { call, auth, ended } = world();
    auth.error = failure(Code.Unavailable, "PROFILE_UNAVAILABLE");
    await expect(call()).rejects.toMatchObject({ code: Code.Unavailable });
    auth.error = undefined;
    await call();
    expect(ended()).toBe(0);
  });

  it("does not keep a token that arrives after the person has left", async () => {
    const { session, auth } = world();
    const first = session.token();
    session.clear();
    await first;
    await session.token();
    expect(auth.made).toBe(2);
  });

  it("trusts a token just made although the clock of the page is ahead", async () => {
    const { call, clock, auth } = world();
    clock.aheadOfServer = LIFETIME_MS * 2;
    await call();
    clock.now += 59_999;
    await call();
    expect(auth.made).toBe(1);
    clock.now += 1;
    await call();
    expect(auth.made).toBe(2);
  });
});
