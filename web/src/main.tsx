/** Reads the settings and starts the page. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createFirebaseIdentity } from "./api/firebase";
import { createServices, overGrpcWeb } from "./api/services";
import { App } from "./app";
import { loadConfig } from "./config";
import { Alone } from "./ui/alone";
import "./ui/base.css";
import "./ui/components.css";

const element = document.getElementById("root");
if (!element) throw new Error("index.html has no element #root");
const root = createRoot(element);

try {
  const config = await loadConfig();
  const identity = createFirebaseIdentity(config.firebase);
  const services = createServices(overGrpcWeb(config), identity);
  const openRoom = async () => (await import("./features/call/livekit/room")).createRoom(config.livekitUrl);
  root.render(
    <StrictMode>
      <App services={services} identity={identity} openRoom={openRoom} />
    </StrictMode>,
  );
} catch (error) {
  root.render(
    <Alone>
      <div className="notice notice-problem" role="alert">
        <p>This page could not be started. Reload it in a moment, or tell whoever runs it:</p>
        <p>
          <code>{error instanceof Error ? error.message : "unknown failure"}</code>
        </p>
      </div>
    </Alone>,
  );
}
