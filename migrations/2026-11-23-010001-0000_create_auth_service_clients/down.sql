DROP TABLE insta_auth.service_clients;
