DROP TABLE insta_auth.signing_keys;
