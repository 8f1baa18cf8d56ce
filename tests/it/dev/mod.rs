//! Owns the tests of the development provider, the demo page and the banner. Does not know the authority.

mod banner;
mod code_flow;
mod demo;
mod end_session;
mod login_page;
mod only_in_dev;
mod silent;
mod strength;
mod tokens;
mod with_our_client;
mod world;
