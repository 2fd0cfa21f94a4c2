DROP INDEX insta_knowledge.passages_embedding_idx;
DROP INDEX insta_knowledge.passages_embedding_b_idx;

CREATE INDEX passages_embedding_idx ON insta_knowledge.passages USING hnsw (embedding vector_cosine_ops);
CREATE INDEX passages_embedding_b_idx ON insta_knowledge.passages USING hnsw (embedding_b vector_cosine_ops);
