ALTER TABLE insta_agent.calls
  ADD COLUMN usage jsonb,
  ADD COLUMN cost_usd_micros bigint,
  ADD CONSTRAINT calls_cost_check CHECK (cost_usd_micros >= 0 AND (cost_usd_micros IS NULL OR usage IS NOT NULL));

COMMENT ON COLUMN insta_agent.calls.usage IS 'Tokens of the Realtime model by kind, and what transcription took.';
COMMENT ON COLUMN insta_agent.calls.cost_usd_micros IS 'What the tokens cost, in millionths of a US dollar; null without prices.';
