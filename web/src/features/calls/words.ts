/** What the values of a recorded call are called on the page. */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Call, CallState, EndReason, ToolStatus } from "../../gen/insta/agent/v1/call_pb";
import { clock } from "../../ui/format";

const END_REASONS: Record<EndReason, string> = {
  [EndReason.UNSPECIFIED]: "Going on",
  [EndReason.USER_HANGUP]: "You hung up",
  [EndReason.AGENT_HANGUP]: "The assistant said goodbye",
  [EndReason.USER_REQUEST]: "You ended it",
  [EndReason.OPERATOR]: "Ended by an operator",
  [EndReason.PARTICIPANT_LOST]: "Your connection was lost",
  [EndReason.SILENCE]: "Nobody spoke for a while",
  [EndReason.TIME_LIMIT]: "The longest time for a call was reached",
  [EndReason.PROVIDER_ERROR]: "The speech service failed",
  [EndReason.MEDIA_ERROR]: "The connection was lost",
  [EndReason.SHUTDOWN]: "The assistant was restarted",
  [EndReason.MICROPHONE_MISSING]: "Your microphone could not be heard",
  [EndReason.TOOL_LIMIT]: "The assistant could look up no more",
};

/** Why a call ended, or that it goes on. */
export function endReasonWords(reason: EndReason, state: CallState): string {
  if (state !== CallState.ENDED) return "Going on";
  return reason === EndReason.UNSPECIFIED ? "Ended" : (END_REASONS[reason] ?? "Ended");
}

const TOOL_STATUSES: Record<ToolStatus, string> = {
  [ToolStatus.UNSPECIFIED]: "unknown",
  [ToolStatus.RUNNING]: "running",
  [ToolStatus.OK]: "done",
  [ToolStatus.FAILED]: "failed",
  [ToolStatus.TIMED_OUT]: "took too long",
  [ToolStatus.CANCELLED]: "called off",
};

/** Where a tool call stands. */
export function toolStatusWords(status: ToolStatus): string {
  return TOOL_STATUSES[status] ?? "unknown";
}

const TOOLS: Record<string, string> = {
  get_account: "Looked up your account",
  search_knowledge: "Searched the help articles",
  remember: "Noted something",
  recall: "Looked at its notes",
  update_my_name: "Changed your name",
  hand_over_to_human: "Asked a colleague to take over",
  end_call: "Ended the call",
};

/** What a tool does; a tool that came later than this page keeps its name. */
export function toolWords(name: string): string {
  return TOOLS[name] ?? plain(name);
}

/** `reset-password` as `Reset password`. */
export function plain(id: string): string {
  const words = id.replaceAll(/[-_]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** How long a call lasted; empty while it goes on. */
export function callDuration(call: Call): string {
  if (!call.createTime || !call.endTime || call.state !== CallState.ENDED) return "";
  return clock(timestampMs(call.endTime) - timestampMs(call.createTime));
}
