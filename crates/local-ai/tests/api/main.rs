//! The server as its clients see it: real sockets, and scripted models unless a test is about the
//! models.

mod alone;
mod dialogue;
mod endpoint;
mod engine;
mod fuzz;
mod other_tools;
mod race;
mod raw;
mod refusals;
mod responses;
mod rest;
mod scripted;
mod session;
mod spoken;
mod support;
mod table;
mod turns;
mod upstream;
