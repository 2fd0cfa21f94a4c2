-- Sixteen bits a number find as many as 32 do, in half the room and a third of the time less (knowledge-svc/README.md).
-- With ef_construction 200 a search has to look at half as many for the same result as with 64, which is the default.
DROP INDEX insta_knowledge.passages_embedding_idx;
DROP INDEX insta_knowledge.passages_embedding_b_idx;

CREATE INDEX passages_embedding_idx ON insta_knowledge.passages
  USING hnsw ((embedding::halfvec(384)) halfvec_cosine_ops) WITH (ef_construction = 200);
CREATE INDEX passages_embedding_b_idx ON insta_knowledge.passages
  USING hnsw ((embedding_b::halfvec(384)) halfvec_cosine_ops) WITH (ef_construction = 200);
