-- What only the other slot holds is made anew.
DROP TABLE insta_knowledge.vector_index;
ALTER TABLE insta_knowledge.passages DROP COLUMN embedding_b, DROP COLUMN embedding_model_b;
