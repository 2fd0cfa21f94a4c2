DROP TABLE insta_auth.delegations;
