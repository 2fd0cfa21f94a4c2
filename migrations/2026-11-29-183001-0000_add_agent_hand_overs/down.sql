ALTER TABLE insta_agent.calls
  DROP COLUMN hand_over_reason,
  DROP COLUMN hand_over_summary,
  DROP COLUMN hand_over_time;
