/**
 * The services as the page sees them: one transport that finds the right origin for each RPC and signs it with the
 * session token.
 */
import { createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import type { Config } from "../config";
import { AgentService } from "../gen/insta/agent/v1/agent_service_pb";
import { AuthService } from "../gen/insta/auth/v1/auth_service_pb";
import { ProfileService } from "../gen/insta/profile/v1/profile_service_pb";
import type { Identity } from "./identity";
import { authenticate, Session } from "./session";

/** No answer within this time is a failure, in milliseconds. */
const DEADLINE_MS = 15_000;

/** What a view needs to call the services. */
export interface Services {
  /** Reaches every service, with the session token. */
  transport: Transport;
  session: Session;
}

/** Makes a transport that runs every RPC through these interceptors. */
export type OpenTransport = (interceptors: Interceptor[]) => Transport;

/** Puts the session in front of a transport. */
export function createServices(open: OpenTransport, identity: Identity): Services {
  const session = new Session(createClient(AuthService, open([])), identity);
  return { transport: open([authenticate(session)]), session };
}

/** Reaches the services over gRPC-web at the origins of the settings. */
export function overGrpcWeb(config: Config): OpenTransport {
  return (interceptors) => {
    const to = (baseUrl: string) =>
      createGrpcWebTransport({ baseUrl, interceptors, defaultTimeoutMs: DEADLINE_MS });
    const transports = new Map<string, Transport>([
      [AuthService.typeName, to(config.authUrl)],
      [ProfileService.typeName, to(config.profileUrl)],
      [AgentService.typeName, to(config.agentUrl)],
    ]);
    const at = (service: string): Transport => {
      const transport = transports.get(service);
      if (!transport) throw new Error(`no origin is configured for ${service}`);
      return transport;
    };
    return {
      unary: (method, ...rest) => at(method.parent.typeName).unary(method, ...rest),
      stream: (method, ...rest) => at(method.parent.typeName).stream(method, ...rest),
    };
  };
}
