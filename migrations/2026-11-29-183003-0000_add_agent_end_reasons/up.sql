ALTER TABLE insta_agent.calls
  DROP CONSTRAINT calls_end_reason_check,
  ADD CONSTRAINT calls_end_reason_check CHECK (end_reason IN (
    'user_hangup', 'agent_hangup', 'user_request', 'operator', 'participant_lost', 'silence', 'time_limit',
    'provider_error', 'media_error', 'shutdown', 'microphone_missing', 'tool_limit'));
