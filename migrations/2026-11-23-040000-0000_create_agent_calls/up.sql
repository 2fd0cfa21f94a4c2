CREATE TABLE insta_agent.calls (
  call_id uuid NOT NULL,
  user_id text NOT NULL,
  state text NOT NULL,
  end_reason text,
  room text NOT NULL,
  instance text NOT NULL,
  lease_time timestamptz NOT NULL,
  prompt_version integer NOT NULL,
  create_time timestamptz NOT NULL,
  end_time timestamptz,
  summary text NOT NULL DEFAULT '',
  CONSTRAINT calls_pkey PRIMARY KEY (call_id),
  CONSTRAINT calls_user_id_check CHECK (length(user_id) BETWEEN 1 AND 128),
  CONSTRAINT calls_state_check CHECK (state IN ('connecting', 'active', 'ended')),
  CONSTRAINT calls_end_check CHECK (
    (state = 'ended') = (end_reason IS NOT NULL) AND (end_reason IS NULL) = (end_time IS NULL)),
  CONSTRAINT calls_end_reason_check CHECK (end_reason IN (
    'user_hangup', 'agent_hangup', 'user_request', 'operator', 'participant_lost', 'silence', 'time_limit',
    'provider_error', 'media_error', 'shutdown')),
  CONSTRAINT calls_summary_check CHECK (length(summary) <= 500)
);

-- A user holds one call at a time.
CREATE UNIQUE INDEX calls_one_live_a_user_idx ON insta_agent.calls (user_id) WHERE state <> 'ended';
CREATE INDEX calls_of_user_idx ON insta_agent.calls (user_id, call_id DESC);
CREATE INDEX calls_leased_idx ON insta_agent.calls (lease_time) WHERE state <> 'ended';

COMMENT ON TABLE insta_agent.calls IS 'One conversation of one user, from StartCall to its end reason.';
COMMENT ON COLUMN insta_agent.calls.call_id IS 'A UUIDv7: calls sort by when they were started.';
COMMENT ON COLUMN insta_agent.calls.instance IS 'The instance of agent-svc that holds the call.';
COMMENT ON COLUMN insta_agent.calls.lease_time IS 'Until when the instance holds the call; it is renewed while the call lives.';
COMMENT ON COLUMN insta_agent.calls.prompt_version IS 'Version of the prompt template that the call was begun with.';

CREATE TABLE insta_agent.turns (
  call_id uuid NOT NULL,
  position integer NOT NULL,
  role text NOT NULL,
  text text NOT NULL,
  start_time timestamptz NOT NULL,
  interrupted boolean NOT NULL,
  tool_calls jsonb NOT NULL,
  latency jsonb,
  CONSTRAINT turns_pkey PRIMARY KEY (call_id, position),
  CONSTRAINT turns_call_id_fkey FOREIGN KEY (call_id) REFERENCES insta_agent.calls (call_id) ON DELETE CASCADE,
  CONSTRAINT turns_position_check CHECK (position > 0),
  CONSTRAINT turns_role_check CHECK (role IN ('user', 'assistant'))
);

COMMENT ON TABLE insta_agent.turns IS 'What one side said, stored as it happens.';
COMMENT ON COLUMN insta_agent.turns.position IS 'Order of beginning. Numbers may be missing.';
COMMENT ON COLUMN insta_agent.turns.text IS 'What was said; of the assistant, what was heard.';

CREATE TABLE insta_agent.summary_jobs (
  call_id uuid NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_time timestamptz NOT NULL,
  failed boolean NOT NULL DEFAULT false,
  CONSTRAINT summary_jobs_pkey PRIMARY KEY (call_id),
  CONSTRAINT summary_jobs_call_id_fkey FOREIGN KEY (call_id)
    REFERENCES insta_agent.calls (call_id) ON DELETE CASCADE,
  CONSTRAINT summary_jobs_attempts_check CHECK (attempts >= 0)
);

CREATE INDEX summary_jobs_due_idx ON insta_agent.summary_jobs (next_attempt_time) WHERE NOT failed;

COMMENT ON TABLE insta_agent.summary_jobs IS 'Calls whose summary is still to be made and recorded; removed when done.';
COMMENT ON COLUMN insta_agent.summary_jobs.next_attempt_time IS 'When it is due; while somebody works on it, when their lease ends.';
COMMENT ON COLUMN insta_agent.summary_jobs.failed IS 'Given up after too many attempts.';
