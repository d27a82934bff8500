//! The fuzz targets on their seeds, and on each seed damaged in a few places: what can be done where there is no fuzzer.

use std::path::Path;

#[allow(unreachable_pub, reason = "the targets are a library of their own")]
#[path = "../fuzz/src/lib.rs"]
mod targets;

#[test]
fn every_target_takes_its_seeds_whole_and_damaged() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds");
    let mut tried = 0_usize;
    for (name, target) in targets::TARGETS {
        let seeds = std::fs::read_dir(folder.join(name)).unwrap();
        let seeds: Vec<Vec<u8>> = seeds.map(|seed| std::fs::read(seed.unwrap().path()).unwrap()).collect();
        assert!(seeds.len() >= 3, "{name} has too few seeds");
        for seed in &seeds {
            target(seed);
            // Of each seed up to 24 cuts and 24 bytes that were changed; a schema and a connection are slow.
            let places = if matches!(name, "schema" | "http") { 4 } else { 24 };
            for place in 0..places.min(seed.len()) {
                let at = place * seed.len() / places.min(seed.len());
                target(&seed[..at]);
                let mut changed = seed.clone();
                changed[at] ^= 1 << (place % 8);
                target(&changed);
                tried += 2;
            }
            tried += 1;
        }
    }
    println!("{tried} inputs of {} targets", targets::TARGETS.len());
    assert!(tried > 500, "{tried}");
}
