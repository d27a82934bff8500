//! One pure part, called a given number of times: `count NAME TIMES`; `count` alone lists the names.
//! `benches/count.py` runs it under callgrind: instruction counts do not depend on how busy the machine is.

#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a bench stops at the first surprise"
)]

mod cases;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let times = arguments.get(1).and_then(|times| times.parse().ok()).unwrap_or(0_u32);
    for (name, mut case) in cases::all() {
        match arguments.first() {
            None => println!("{name}"),
            Some(wanted) if *wanted == name => (0..times).for_each(|_| case()),
            Some(_) => {}
        }
    }
}
