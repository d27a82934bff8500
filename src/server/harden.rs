//! Keeps secrets of the process in the process: no core file, and no reading of its memory by other processes of its user.
//! And asks for all the open files that it may have: each connection is one.
//! A system without these calls is no reason not to start: it is said, and the operator's service unit can do the same.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// What this process makes is for its own user alone, whatever the shell or the unit says.
pub fn make_files_private() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

/// Forbids core dumps: the limit for plain files, the flag also for dumps that go to a program.
pub fn forbid_core_dumps() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if setrlimit(Resource::Core, none).is_err() || set_dumpable_behavior(DumpableBehavior::NotDumpable).is_err() {
        tracing::warn!("cannot disable core dumps: a crash may write secrets to a file");
    }
}

/// Files that the hub opens besides its connections: database, ledger, sources, logs.
const FILES_RESERVED: u64 = 256;

/// Raises the limit of open files as far as this process may.
pub fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if setrlimit(Resource::Nofile, raised).is_err() {
        tracing::warn!("cannot raise the limit of open files");
    }
}

/// Open files without which a hub cannot serve.
const FILES_MIN: u64 = 512;

/// Refuses a limit of open files with which ledger, database and a few callers do not fit.
pub(crate) fn refuse_low_file_limit() -> anyhow::Result<()> {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    anyhow::ensure!(
        limit >= FILES_MIN,
        "the limit of open files is {limit}, at least {FILES_MIN} is needed: raise LimitNOFILE of the service, or `ulimit -n`"
    );
    Ok(())
}

/// Connections that a worker may hold: as many as wanted, unless that leaves too few files for the rest. A crowd of connections
/// must never keep the ledger from opening its next file.
pub(crate) fn connections_within_files(wanted: usize, workers: usize) -> usize {
    let Some(files) = getrlimit(Resource::Nofile).current else {
        return wanted;
    };
    let all = usize::try_from(files.saturating_sub(FILES_RESERVED)).unwrap_or(usize::MAX);
    let fit = (all / workers.max(1)).max(1);
    if fit < wanted {
        tracing::warn!(wanted, fit, "low limit of open files: fewer connections per worker");
    }
    wanted.min(fit)
}
