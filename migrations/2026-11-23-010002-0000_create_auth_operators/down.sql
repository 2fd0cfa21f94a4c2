DROP TABLE insta_auth.operators;
