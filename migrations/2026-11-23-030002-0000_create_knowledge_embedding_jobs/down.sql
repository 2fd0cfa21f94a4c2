DROP TABLE insta_knowledge.embedding_jobs;
