ALTER TABLE insta_agent.calls
  ADD COLUMN hand_over_reason text,
  ADD COLUMN hand_over_summary text,
  ADD COLUMN hand_over_time timestamptz,
  ADD CONSTRAINT calls_hand_over_check CHECK (
    (hand_over_reason IS NULL) = (hand_over_time IS NULL)
    AND (hand_over_summary IS NULL) = (hand_over_time IS NULL)
    AND length(hand_over_reason) <= 200 AND length(hand_over_summary) <= 500);

COMMENT ON COLUMN insta_agent.calls.hand_over_reason IS 'Why somebody of the company is to take over.';
COMMENT ON COLUMN insta_agent.calls.hand_over_summary IS 'What whoever takes over should know.';
COMMENT ON COLUMN insta_agent.calls.hand_over_time IS 'When the assistant asked for it, last.';
