//! The parts of `count.rs` by the clock: `cargo bench --bench parts -- compare/`, with `-- --test` each is called once.
//! Times say what a change is worth on this machine; whether it is one, the instructions of `count.py` say better.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a bench stops at the first surprise; the macros write functions without docs"
)]

use criterion::{Criterion, criterion_group, criterion_main};

mod cases;

fn parts(criterion: &mut Criterion) {
    for (name, mut case) in cases::all() {
        criterion.bench_function(&name, |bencher| bencher.iter(&mut case));
    }
}

criterion_group!(benches, parts);
criterion_main!(benches);
