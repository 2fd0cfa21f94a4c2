/**
 * Where the services are. Fetched when the page opens, so that one build serves every deployment.
 */

/** The settings in `/config.json`. Keys that are not listed are ignored. */
export interface Config {
  /** Origin of auth-svc. */
  authUrl: string;
  /** Origin of profile-svc. */
  profileUrl: string;
  /** Origin of agent-svc. */
  agentUrl: string;
  /** The LiveKit server, `ws:` or `wss:`. Only to warm up the connection: each call is told its own address. */
  livekitUrl: string;
  firebase: FirebaseConfig;
}

/** The Firebase project that people sign in with. */
export interface FirebaseConfig {
  projectId: string;
  apiKey: string;
  /** Origin of the Auth emulator; set in development only. */
  emulatorUrl?: string;
  /** Whether signing in with Google is set up for the project. */
  google: boolean;
}

/** The settings could not be fetched, or are not what they should be. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/** Fetches and checks the settings. Throws `ConfigError` after five seconds without an answer. */
export async function loadConfig(): Promise<Config> {
  let body: unknown;
  try {
    const response = await fetch("/config.json", { cache: "no-store", signal: AbortSignal.timeout(5_000) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    body = await response.json();
  } catch (cause) {
    throw new ConfigError("/config.json could not be read", { cause });
  }
  return parseConfig(body);
}

/** Checks the settings, naming everything that is wrong at once. */
export function parseConfig(value: unknown): Config {
  const wrong: string[] = [];
  const settings = record(value);
  const firebase = record(settings.firebase);
  const text = (from: Record<string, unknown>, key: string, name: string) => {
    const found = from[key];
    if (typeof found === "string" && found !== "") return found;
    wrong.push(`${name} must be a non-empty string`);
    return "";
  };
  const url = (from: Record<string, unknown>, key: string, name: string, schemes: string) => {
    const found = text(from, key, name);
    if (found !== "" && !new RegExp(`^(${schemes})://[^/]`).test(found)) {
      wrong.push(`${name} must begin with ${schemes.split("|").join(":// or ")}://`);
    }
    return found.replace(/\/+$/, "");
  };

  const config: Config = {
    authUrl: url(settings, "authUrl", "authUrl", "http|https"),
    profileUrl: url(settings, "profileUrl", "profileUrl", "http|https"),
    agentUrl: url(settings, "agentUrl", "agentUrl", "http|https"),
    livekitUrl: url(settings, "livekitUrl", "livekitUrl", "ws|wss"),
    firebase: {
      projectId: text(firebase, "projectId", "firebase.projectId"),
      apiKey: text(firebase, "apiKey", "firebase.apiKey"),
      google: firebase.google === true,
    },
  };
  if (firebase.emulatorUrl) {
    config.firebase.emulatorUrl = url(firebase, "emulatorUrl", "firebase.emulatorUrl", "http|https");
  }
  if (wrong.length > 0) throw new ConfigError(`/config.json: ${wrong.join("; ")}`);
  return config;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
