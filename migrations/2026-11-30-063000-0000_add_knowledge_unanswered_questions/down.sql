DROP TABLE insta_knowledge.unanswered_askers;
DROP TABLE insta_knowledge.unanswered_questions;
