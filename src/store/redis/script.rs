//! Owns the scripts: each one atomic step, sent by its hash, with its source when a node does not know it yet.
//! Does not know what they are for.

use std::sync::LazyLock;

use redis::{Cmd, cmd};

use crate::store::{record, user};

/// A script as it is sent.
pub struct Script {
    source: String,
    hash: String,
}

impl Script {
    fn new(body: &str) -> Self {
        let source = [&record::lua_offsets(), &user::lua_offsets(), include_str!("lua/prelude.lua"), body].concat();
        let hash = redis::Script::new(&source).get_hash().to_owned();
        Self { source, hash }
    }

    /// A call of it by hash.
    pub fn call(&self, keys: &[Vec<u8>], args: &[Vec<u8>]) -> Cmd {
        Self::build("EVALSHA", &self.hash, keys, args)
    }

    /// A call of it by source, which the node then knows.
    pub fn teach(&self, keys: &[Vec<u8>], args: &[Vec<u8>]) -> Cmd {
        Self::build("EVAL", &self.source, keys, args)
    }

    /// What teaches it to every primary that can be reached.
    pub fn load(&self) -> Cmd {
        let mut load = cmd("SCRIPT");
        load.arg("LOAD").arg(&self.source);
        load
    }

    fn build(name: &str, script: &str, keys: &[Vec<u8>], args: &[Vec<u8>]) -> Cmd {
        let mut call = cmd(name);
        call.arg(script).arg(keys.len()).arg(keys).arg(args);
        call
    }
}

/// Declares scripts by the names of their files.
macro_rules! scripts {
    ($($name:ident: $file:literal),* $(,)?) => {
        /// Every script.
        pub struct Scripts { $(pub $name: Script),* }

        impl Scripts {
            /// All of them.
            pub fn all(&self) -> impl Iterator<Item = &Script> {
                [$(&self.$name),*].into_iter()
            }
        }

        /// Every script.
        pub static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| Scripts {
            $($name: Script::new(include_str!(concat!("lua/", $file)))),*
        });
    };
}

scripts! {
    create: "create.lua",
    touch: "touch.lua",
    end: "end.lua",
    end_user: "end_user.lua",
    prune: "prune.lua",
    raise: "raise.lua",
    announce: "announce.lua",
    vouch: "vouch.lua",
    tokens: "tokens.lua",
    lease: "lease.lua",
    renew_lease: "renew_lease.lua",
    release_lease: "release_lease.lua",
    watch_lease: "watch_lease.lua",
    write_tokens: "write_tokens.lua",
    rewrite: "rewrite.lua",
    step_up: "step_up.lua",
    open_login: "open_login.lua",
    take_login: "take_login.lua",
    note_login: "note_login.lua",
    finish_login: "finish_login.lua",
    watch_login: "watch_login.lua",
    put_mint_keys: "put_mint_keys.lua",
    hold_login: "hold_login.lua",
    enable_user: "enable_user.lua",
    reseal_user: "reseal_user.lua",
    put_attributes: "put_attributes.lua",
    join: "join.lua",
    end_joined: "end_joined.lua",
    claim_number: "claim_number.lua",
    give_back_logout: "give_back_logout.lua",
    refuse_logins: "refuse_logins.lua",
    take_one: "take_one.lua",
    owe: "owe.lua",
    claim_call: "claim_call.lua",
    keep_answer: "keep_answer.lua",
    give_back_call: "give_back_call.lua",
    watch_call: "watch_call.lua",
    add_caller_key: "add_caller_key.lua",
    remove_caller_key: "remove_caller_key.lua",
    reseal_caller_key: "reseal_caller_key.lua",
    reseal_mint_keys: "reseal_mint_keys.lua",
    keep_entry: "keep_entry.lua",
}
