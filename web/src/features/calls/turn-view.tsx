import {
  Role,
  type ToolCall,
  ToolStatus,
  type Turn,
  type TurnLatency,
} from "../../gen/insta/agent/v1/call_pb";
import { shortDuration } from "../../ui/format";
import { plain, toolStatusWords, toolWords } from "./words";

/** What one side said, with the tools, sources and times behind it. */
export function TurnView({ turn }: { turn: Turn }) {
  const speaker = turn.role === Role.USER ? "user" : "agent";
  return (
    <li className={`line line-${speaker}`} data-speaker={speaker}>
      <span className="line-speaker">{speaker === "user" ? "You" : "Assistant"}</span>
      <span className="line-text">{turn.text || "…"}</span>
      {turn.interrupted && <span className="turn-note">You interrupted here.</span>}
      {turn.toolCalls.length > 0 && (
        <ul className="tools" aria-label="What the assistant did">
          {turn.toolCalls.map((tool) => (
            <ToolView key={tool.toolCallId} tool={tool} />
          ))}
        </ul>
      )}
      {turn.latency && <Latency latency={turn.latency} />}
    </li>
  );
}

function ToolView({ tool }: { tool: ToolCall }) {
  const went = tool.status === ToolStatus.OK ? "" : ` (${toolStatusWords(tool.status)})`;
  return (
    <li data-tool={tool.name}>
      {toolWords(tool.name)}
      {went}
      {tool.duration && <span className="muted"> in {shortDuration(tool.duration)}</span>}
      {tool.sources.length > 0 && (
        <ul className="sources" aria-label="Sources">
          {tool.sources.map((source) => (
            <li key={source} data-source={source}>
              {plain(source)}
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

function Latency({ latency }: { latency: TurnLatency }) {
  const { voiceToVoice, endOfTurnDelay, firstAudio } = latency;
  const parts = [
    endOfTurnDelay && `noticed the end of your turn in ${shortDuration(endOfTurnDelay)}`,
    firstAudio && `began to speak ${shortDuration(firstAudio)} later`,
  ].filter(Boolean);
  return (
    <span className="turn-note">
      {voiceToVoice && `Answered after ${shortDuration(voiceToVoice)}`}
      {voiceToVoice && parts.length > 0 && ": "}
      {parts.join(", ")}
    </span>
  );
}
