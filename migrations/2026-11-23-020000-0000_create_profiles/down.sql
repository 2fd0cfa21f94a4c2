DROP TABLE insta_profile.account_facts;
DROP TABLE insta_profile.profiles;
