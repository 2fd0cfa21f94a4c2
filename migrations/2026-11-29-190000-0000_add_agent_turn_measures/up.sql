ALTER TABLE insta_agent.turns
  ADD COLUMN silenced_after_ms bigint,
  ADD COLUMN usage jsonb,
  ADD COLUMN cost_usd_micros bigint,
  ADD CONSTRAINT turns_measures_check CHECK (silenced_after_ms >= 0 AND cost_usd_micros >= 0);

COMMENT ON COLUMN insta_agent.turns.silenced_after_ms IS 'From the caller''s first voiced sound to the assistant''s silence, where they cut it short.';
COMMENT ON COLUMN insta_agent.turns.usage IS 'What the Realtime model did since the assistant''s turn before.';
COMMENT ON COLUMN insta_agent.turns.cost_usd_micros IS 'What that cost, in millionths of a US dollar; null without prices.';
