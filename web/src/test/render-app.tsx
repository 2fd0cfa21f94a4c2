/** Renders the whole page over services in memory. */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type ConnectRouter, createRouterTransport, type ServiceImpl } from "@connectrpc/connect";
import { render } from "@testing-library/react";
import { createServices } from "../api/services";
import { App } from "../app";
import { AgentService } from "../gen/insta/agent/v1/agent_service_pb";
import { AuthService } from "../gen/insta/auth/v1/auth_service_pb";
import { ProfileService } from "../gen/insta/profile/v1/profile_service_pb";
import { FakeIdentity, FakeRoom } from "./fakes";

/** What the services answer; an RPC that is left out is unimplemented. */
export interface Answers {
  auth?: Partial<ServiceImpl<typeof AuthService>>;
  profile?: Partial<ServiceImpl<typeof ProfileService>>;
  agent?: Partial<ServiceImpl<typeof AgentService>>;
}

/** A session that lasts. */
export const lastingSession: Answers["auth"] = {
  createSession: () => ({
    sessionToken: "session",
    expireTime: timestampFromMs(Date.now() + 900_000),
    userId: "ada",
  }),
};

/** Opens the page, signed in unless another identity is given. */
export function renderApp(answers: Answers, identity = new FakeIdentity({ email: "ada@example.com" })) {
  const room = new FakeRoom();
  const routes = (router: ConnectRouter) => {
    router.service(AuthService, { ...lastingSession, ...answers.auth });
    router.service(ProfileService, { ...answers.profile });
    router.service(AgentService, { ...answers.agent });
  };
  const services = createServices(
    (interceptors) => createRouterTransport(routes, { transport: { interceptors } }),
    identity,
  );
  const page = render(<App services={services} identity={identity} openRoom={async () => room} />);
  return { ...page, identity, room, session: services.session };
}
