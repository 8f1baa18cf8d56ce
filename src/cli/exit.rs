//! Owns the exit codes of the program. Does not know the verbs.

use std::process::ExitCode;

/// How the program ends. The numbers are those of sysexits(3) where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: it did not work, for a reason that the message says.
    Failed,
    /// 64: the command line or the configuration is wrong. Nothing was started.
    Usage,
    /// 66: the session, user, tenant or request that was named is not there.
    Absent,
    /// 69: the authority, its store or a port is not to be had now. Trying again may help.
    Unavailable,
    /// 77: the API key is missing, unknown, or its role does not allow this.
    NotAllowed,
}

impl Exit {
    /// Every way to end, for the help text.
    pub const HELP: &str = "Exit codes: 0 done, 1 failed, 64 wrong command line or configuration, \
                            66 no such session, user, tenant or request, 69 unavailable, 77 not allowed";

    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 64,
            Self::Absent => 66,
            Self::Unavailable => 69,
            Self::NotAllowed => 77,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
