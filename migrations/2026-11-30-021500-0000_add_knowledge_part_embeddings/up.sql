ALTER TABLE insta_knowledge.passages
  ADD COLUMN part_embeddings vector(384)[],
  ADD COLUMN part_embeddings_b vector(384)[];

COMMENT ON COLUMN insta_knowledge.passages.part_embeddings
  IS 'Vectors of a few sentences each, which tell candidates apart; empty when the passage is that short, NULL before the first are made.';
COMMENT ON COLUMN insta_knowledge.passages.part_embeddings_b
  IS 'As part_embeddings, of the model in embedding_model_b.';
