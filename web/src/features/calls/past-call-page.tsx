import { timestampMs } from "@bufbuild/protobuf/wkt";
import { useQuery } from "@connectrpc/connect-query";
import { AgentService } from "../../gen/insta/agent/v1/agent_service_pb";
import { type Call, CallState } from "../../gen/insta/agent/v1/call_pb";
import { Loading, Problem } from "../../ui/feedback";
import { dateTime } from "../../ui/format";
import { Page } from "../../ui/page";
import { Link } from "../../ui/router";
import { TurnView } from "./turn-view";
import { callDuration, endReasonWords } from "./words";
import "./calls.css";

/** How often a call that is not complete yet is fetched again, in milliseconds. */
const REFETCH_MS = 3_000;
/** How long after the end of a call its summary is waited for, in milliseconds. */
const SUMMARY_WAIT_MS = 60_000;

/** One call on record: what was said, and what was done for it. */
export function PastCallPage({ callId }: { callId: string }) {
  const call = useQuery(
    AgentService.method.getCall,
    { callId },
    { refetchInterval: (query) => (isComplete(query.state.data?.call) ? false : REFETCH_MS) },
  );
  return (
    <Page title="Call">
      <p>
        <Link href="/calls">All calls</Link>
      </p>
      {call.isPending && <Loading what="Loading the call…" />}
      {call.isError && <Problem error={call.error} onRetry={() => call.refetch()} />}
      {call.data?.call && <CallOnRecord call={call.data.call} />}
    </Page>
  );
}

function CallOnRecord({ call }: { call: Call }) {
  const duration = callDuration(call);
  return (
    <article className="call-record" data-end-reason={call.endReason} data-call-record={call.callId}>
      <dl className="card facts">
        <div>
          <dt>Started</dt>
          <dd>{call.createTime ? dateTime(call.createTime) : "Unknown"}</dd>
        </div>
        {duration && (
          <div>
            <dt>Duration</dt>
            <dd>{duration}</dd>
          </div>
        )}
        <div>
          <dt>Ended</dt>
          <dd>{endReasonWords(call.endReason, call.state)}</dd>
        </div>
        {call.handOver && (
          <div className="facts-wide">
            <dt>A colleague was asked to take over</dt>
            <dd>{call.handOver.summary}</dd>
          </div>
        )}
        <div className="facts-wide">
          <dt>Summary</dt>
          <dd>{call.summary || (isComplete(call) ? "None." : "Comes soon after the end of the call.")}</dd>
        </div>
      </dl>
      <h2>What was said</h2>
      {call.turns.length === 0 ? (
        <p className="muted">Nothing was said in this call.</p>
      ) : (
        <ol className="turns">
          {call.turns.map((turn) => (
            <TurnView key={turn.index} turn={turn} />
          ))}
        </ol>
      )}
    </article>
  );
}

/** Whether nothing more will be added to the call. Without an answer yet, nothing is known to be missing. */
function isComplete(call: Call | undefined): boolean {
  if (!call) return true;
  if (call.state !== CallState.ENDED) return false;
  const endedAt = call.endTime ? timestampMs(call.endTime) : 0;
  return call.summary !== "" || Date.now() - endedAt > SUMMARY_WAIT_MS;
}
