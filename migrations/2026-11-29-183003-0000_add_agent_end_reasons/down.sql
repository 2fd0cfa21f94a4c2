-- As these ends were told before they had reasons of their own.
UPDATE insta_agent.calls SET end_reason = 'silence' WHERE end_reason = 'microphone_missing';
UPDATE insta_agent.calls SET end_reason = 'agent_hangup' WHERE end_reason = 'tool_limit';
ALTER TABLE insta_agent.calls
  DROP CONSTRAINT calls_end_reason_check,
  ADD CONSTRAINT calls_end_reason_check CHECK (end_reason IN (
    'user_hangup', 'agent_hangup', 'user_request', 'operator', 'participant_lost', 'silence', 'time_limit',
    'provider_error', 'media_error', 'shutdown'));
