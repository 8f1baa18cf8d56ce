//! Owns the tests of several tenants in one process, over a real socket: whose a call is, and that no tenant reaches
//! another. Does not know what one tenant alone may do.
//!
//! | file | what is shown |
//! |---|---|
//! | `town` | three tenants over one store, and keys for each |
//! | `pairs`, `sessions`, `logins`, `admin` | every RPC, with every pair of tenants |
//! | `alike` | what is another's, compared with what nobody has: answers, and the steps that they take |
//! | `collected` | logins whose session a front end collects: the route set `api` |
//! | `finding` | how a tenant is named, and what happens when names differ |
//! | `hanging` | a provider that hangs stops its own tenant alone |
//! | `logouts` | the same of logouts that a provider tells of |
//! | `rates` | what clients of one have taken is missing to no other
//! | `watching` | what watchers of one and of several tenants are told |
//! | `edges` | what an edge of several hosts is told, and goes by |

mod admin;
mod alike;
mod collected;
mod edges;
mod finding;
mod hanging;
mod logins;
mod logouts;
mod pairs;
mod rates;
mod sessions;
pub mod town;
mod watching;
