DROP TABLE insta_knowledge.passages;
