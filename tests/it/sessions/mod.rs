//! Owns the tests of what a session can do, asked over gRPC, on every store: its times, its tokens against forged
//! requests, its client's fingerprint, the rotation of its credential. Does not know how a login goes.
//!
//! | file | what is shown |
//! |---|---|
//! | `door` | a browser, an edge, the store behind them and the log |
//! | `rotation` | an old credential becomes a new one, and nobody is logged out by what goes wrong on the way |
//! | `theft` | an old credential after its grace, and one that a failover forgot |
//! | `uses` | when it is written down that a session was used |
//! | `times` | remember me, when to look again, a limit that was shortened |
//! | `aborted` | a rotation whose caller goes away |
//! | `csrf` | what is wrong with a token |
//! | `origins` | where a request comes from, and what is required of it |
//! | `client` | a client that is another than at login |
//! | `limits` | a login beyond the limit of sessions at once |
//! | `devices`, `lists` | sessions as their user sees and ends them, and as an admin finds them |
//! | `counts` | how many have ended, or would |
//! | `whole` | ending all sessions of a tenant costs the same however many there are |
//! | `people` | users: made, disabled, deleted |
//! | `attributes` | what applications keep with a session |
//! | `sealed` | that none of it stands in a store in clear |
//! | `room` | a tenant that is full |
//! | `rates` | whoever does too often what anybody can |
//! | `forged_everywhere` | what comes forged, counted over all replicas |
//! | `needs` | what a request may need of who is logged in |
//! | `step_up` | a session goes on under a login that is stronger or fresher |
//! | `silent` | logins that show nothing, and hints |
//! | `checks` | many checks on one stream |

mod aborted;
mod attributes;
mod checks;
mod client;
mod counts;
mod csrf;
mod devices;
pub mod door;
mod forged_everywhere;
mod fresh;
mod limits;
mod lists;
mod needs;
mod origins;
mod people;
mod rates;
mod room;
mod rotation;
mod sealed;
mod silent;
pub mod step_up;
mod theft;
mod times;
mod uses;
mod way_back;
mod whole;
