DROP SCHEMA insta_auth;
DROP SCHEMA insta_profile;
DROP SCHEMA insta_knowledge;
DROP SCHEMA insta_agent;
