import { createClient, type Transport } from "@connectrpc/connect";
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { AgentService } from "../../gen/insta/agent/v1/agent_service_pb";
import { CallControl } from "./call-control";
import type { OpenRoom } from "./call-room";
import type { CallState } from "./call-state";

/** The call of this page and its buttons. */
export interface UseCall {
  state: CallState;
  control: CallControl;
}

/** Holds the call for as long as someone is signed in, whichever page they look at. */
export function useCall(transport: Transport, openRoom: OpenRoom): UseCall {
  const control = useMemo(
    () => new CallControl(createClient(AgentService, transport), openRoom),
    [transport, openRoom],
  );
  const state = useSyncExternalStore(control.subscribe, control.state);
  useEffect(() => () => control.hangUp(), [control]);
  return { state, control };
}
