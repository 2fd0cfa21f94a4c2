ALTER TABLE insta_agent.turns
  DROP COLUMN silenced_after_ms,
  DROP COLUMN usage,
  DROP COLUMN cost_usd_micros;
