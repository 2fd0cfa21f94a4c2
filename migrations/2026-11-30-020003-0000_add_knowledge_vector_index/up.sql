-- Vectors of two models can stand beside each other: those that searches compare, and those of the model that is to
-- follow. Which is which is one row, so that the change is one write.
ALTER TABLE insta_knowledge.passages
  ADD COLUMN embedding_b vector(384),
  ADD COLUMN embedding_model_b text,
  ADD CONSTRAINT passages_embedding_b_check CHECK ((embedding_b IS NULL) = (embedding_model_b IS NULL));

CREATE INDEX passages_embedding_b_idx ON insta_knowledge.passages USING hnsw (embedding_b vector_cosine_ops);

COMMENT ON COLUMN insta_knowledge.passages.embedding_b IS 'As embedding, of the model in embedding_model_b.';

CREATE TABLE insta_knowledge.vector_index (
  singleton boolean NOT NULL DEFAULT true,
  active_model text NOT NULL,
  active_slot text NOT NULL,
  next_model text,
  CONSTRAINT vector_index_pkey PRIMARY KEY (singleton),
  CONSTRAINT vector_index_singleton_check CHECK (singleton),
  CONSTRAINT vector_index_active_slot_check CHECK (active_slot IN ('a', 'b')),
  CONSTRAINT vector_index_next_model_check CHECK (next_model <> active_model)
);

INSERT INTO insta_knowledge.vector_index (active_model, active_slot)
SELECT embedding_model, 'a' FROM insta_knowledge.passages WHERE embedding_model IS NOT NULL
GROUP BY embedding_model ORDER BY count(*) DESC, embedding_model LIMIT 1;

COMMENT ON TABLE insta_knowledge.vector_index IS 'Which vectors searches compare; no row before there are any.';
COMMENT ON COLUMN insta_knowledge.vector_index.active_slot
  IS 'Where they are: a in passages.embedding, b in passages.embedding_b.';
COMMENT ON COLUMN insta_knowledge.vector_index.next_model IS 'The model whose vectors are being made in the other slot.';
