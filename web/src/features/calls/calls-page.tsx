import { useInfiniteQuery } from "@connectrpc/connect-query";
import { AgentService } from "../../gen/insta/agent/v1/agent_service_pb";
import type { Call } from "../../gen/insta/agent/v1/call_pb";
import { Loading, Problem } from "../../ui/feedback";
import { dateTime } from "../../ui/format";
import { Page } from "../../ui/page";
import { Link } from "../../ui/router";
import { callDuration, endReasonWords } from "./words";
import "./calls.css";

const PAGE_SIZE = 20;

/** All calls of the person who is signed in, newest first. */
export function CallsPage() {
  const calls = useInfiniteQuery(
    AgentService.method.listCalls,
    { pageSize: PAGE_SIZE, pageToken: "" },
    { pageParamKey: "pageToken", getNextPageParam: (page) => page.nextPageToken || undefined },
  );
  return (
    <Page title="Past calls">
      {calls.isPending && <Loading what="Loading your calls…" />}
      {calls.isError && <Problem error={calls.error} onRetry={() => calls.refetch()} />}
      {calls.data && <CallList calls={calls.data.pages.flatMap((page) => page.calls)} />}
      {calls.hasNextPage && (
        <button
          type="button"
          className="button"
          disabled={calls.isFetchingNextPage}
          onClick={() => calls.fetchNextPage()}
        >
          {calls.isFetchingNextPage ? "Loading…" : "Show older calls"}
        </button>
      )}
    </Page>
  );
}

function CallList({ calls }: { calls: Call[] }) {
  if (calls.length === 0) {
    return (
      <div className="card empty">
        <p>You have not called yet.</p>
        <Link href="/" className="button button-primary">
          Make a call
        </Link>
      </div>
    );
  }
  return (
    <ol className="call-list">
      {calls.map((call) => (
        <li key={call.callId}>
          <Link href={`/calls/${call.callId}`} className="card call-row">
            <span className="call-row-head">
              <strong>{call.createTime ? dateTime(call.createTime) : "Call"}</strong>
              <span className="muted">{callDuration(call)}</span>
            </span>
            <span className="call-row-summary">{call.summary || "No summary."}</span>
            <span className="muted">{endReasonWords(call.endReason, call.state)}</span>
          </Link>
        </li>
      ))}
    </ol>
  );
}
