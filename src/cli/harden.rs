//! Keeps secrets of the process in the process: no core file, and no reading of its memory by other processes of its user.
//! A system without these calls is no reason not to start: it is said, and the operator's service unit can do the same.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Forbids core dumps: the limit for plain files, the flag also for dumps that go to a program.
pub fn forbid_core_dumps() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if setrlimit(Resource::Core, none).is_err() || set_dumpable_behavior(DumpableBehavior::NotDumpable).is_err() {
        tracing::warn!("core dumps could not be forbidden: a crash may write secrets to a file");
    }
}
