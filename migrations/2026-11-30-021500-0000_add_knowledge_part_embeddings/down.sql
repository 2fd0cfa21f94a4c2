ALTER TABLE insta_knowledge.passages DROP COLUMN part_embeddings, DROP COLUMN part_embeddings_b;
