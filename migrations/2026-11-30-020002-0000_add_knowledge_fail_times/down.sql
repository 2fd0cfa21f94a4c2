ALTER TABLE insta_knowledge.embedding_jobs DROP COLUMN fail_time;
