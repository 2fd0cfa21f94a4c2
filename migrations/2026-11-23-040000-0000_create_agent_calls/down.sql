DROP TABLE insta_agent.summary_jobs;
DROP TABLE insta_agent.turns;
DROP TABLE insta_agent.calls;
